"""A network between a service and its store, to be made slow or cut."""

import socket
import threading
import time
from contextlib import closing


class Relay:
    """A loopback port in front of a server, that passes bytes on late, or not at all, while connections stay open."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()
        self._flowing.set()
        self._delay_s = 0.0
        self._sockets: list[socket.socket] = [self._listener]
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Passes nothing on any more."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Passes on what waited, and what comes."""
        self._flowing.set()

    def delay(self, delay_s: float) -> None:
        """Lets every piece wait this long before it goes on."""
        self._delay_s = delay_s

    def close(self) -> None:
        """Hangs up on both sides."""
        self.thaw()
        for each in self._sockets:
            with closing(each):
                # Wakes the thread that waits on it.
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while passed := source.recv(65_536):
                self._flowing.wait()
                time.sleep(self._delay_s)
                sink.sendall(passed)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
