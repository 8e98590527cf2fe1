"""Files of runners in, files of scores out: on this machine, part by part, with all its cores."""
