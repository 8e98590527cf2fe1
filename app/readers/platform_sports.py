"""The words by which platforms call a sport, in the languages that their exports come in."""

from typing import Final

from app.readers.activities import Sport

# Letters alone, lower case.
_WORDS: Final[dict[Sport, str]] = {
    "run": """
        run running jog jogging streetrunning roadrunning ultrarun ultrarunning race
        obstaclerun obstaclerunning obstacleracing runningonsand runningroad trackandfield beachrunning
        lauf laufen laufsport joggen strassenlauf wettkampflauf
        courseàpied course footing joggingcourse courseàpiedsurroute
        carrera correr carreraapie carreraporcalle
        corsa corsasustrada corrida corridaderua corridadeestrada
        hardloopsessie hardlopen löpning löb løb løpe løping bieganie bieg juoksu běh běhání
    """,
    "run_trail": """
        trailrun trailrunning
        runningtrail verticalrunning skyrunning mountainrunning fellrunning
        traillauf trailrunninglauf berglauf geländelauf
        trail courseàpieddetrail coursedetrail courseensentier
        carrerademontaña carreradetrail trailrunningcarrera carreraporsenderos
        corsaintrail corsatrail trailrunningcorsa corridadetrail corridaemtrilha corridaemtrilhas trilhacorrida
        trailloop trailhardlopen terränglöpning traillöpning terrengløp bieganieprzełajowe biegtrailowy
    """,
    "run_treadmill": """
        treadmill treadmillrun treadmillrunning indoorrun indoorrunning virtualrun virtualrunning
        runningtreadmill treadmillrunningindoor runindoor
        laufband laufbandtraining laufenaufdemlaufband laufenhalle virtuellerlauf virtuelleslaufen laufenvirtuell
        tapisdecourse courseàpiedsurtapis courseàpiedsurtapisroulant courseàpiedvirtuelle courseàpiedensalle
        carreraencinta entrenamientoencinta cintadecorrer carreravirtual carreraencintadecorrer
        tapisroulant corsasultapisroulant corsaindoor corsavirtuale corsasultapis
        esteira corridanaesteira corridaemesteira corridavirtual
        loopband hardlopenopdeloopband virtuelehardloopsessie löpband löpbandsträning bieżnia bieganienabieżni
    """,
    "run_track": """
        trackrun trackrunning
        runningtrack bahnlauf bahnlaufen laufenbahn courseàpiedsurpiste coursesurpiste
        carreraenpista corsasupista corridaempista hardlopenopdebaan bieganienabieżnistadionu
    """,
    "walk": """
        walk walking
        walkingfitness casualwalking speedwalking nordicwalking walkingnordic walkingtreadmill walkingstroller
        indoorwalking treadmillwalking spaziergang gehen walkinggehen marche marcheàpied caminata caminar andar
        camminata passeggiata caminhada wandelen wandeling gång gåtur gange spacer chód
    """,
    "hike": """
        hike hiking mountaineering
        trekking rucking trailhiking wandern wanderung randonnée randonnéepédestre senderismo escursione
        escursionismo trilha wandeltocht bergwandelen vandring wędrówka
    """,
    "ride": """
        ride bike biking cycling roadbiking mountainbiking virtualride indoorcycling ebikeride
        gravelride mountainbikeride emountainbikeride ebikefitness ebikemountain ebiking velomobile handcycle
        handcycling roadcycling cyclingroad cyclingmountain cyclingindoor cyclingmountainbike cyclocross bmx spinning
        stationarybiking utilitybiking indoorbiking trackcycling recumbentcycling downhillbiking gravelcycling
        gravelunpavedcycling radfahrt radfahren radfahrenhalle indoorradfahren rennradfahren mountainbiken vélo
        cyclisme sortievélo sortieàvélo bicicleta ciclismo vueltaciclista paseoenbicicleta giroinbici
        pedalada fietsrit fietsen wielrennen virtuelefietsrit cykling sykling kolarstwo jazdanarowerze
    """,
    "swim": """
        swim swimming lapswimming openwaterswimming
        poolswimming swimmingpool swimmingopenwater swimmingswimmingpool poolswim openwaterswim aquaticsswimming
        schwimmen schwimmbad schwimmbadschwimmen freiwasserschwimmen natation nager natación nadar nuoto natação
        zwemmen simning svømning svømming pływanie
    """,
}
_NOT_SAID: Final = frozenset({"unknown", "generic", "uncategorized", "uncategorised"})
_SPORTS: Final[dict[str, Sport]] = {word: sport for sport, words in _WORDS.items() for word in words.split()}


# How words begin that name no run, for those of a language that are not written down above. What looks like a run is
# not taken by its beginning: pace and distance tell better.
_STEMS: Final[dict[Sport, tuple[str, ...]]] = {
    "ride": (
        "cicl",
        "cycl",
        "cykl",
        "sykl",
        "radf",
        "radsp",
        "fiets",
        "wielr",
        "vélo",
        "bici",
        "kolar",
        "ebike",
        "mtb",
    ),
    "swim": ("schwimm", "nata", "nage", "nuot", "zwem", "simn", "svøm", "pływ"),
    "walk": ("spazier", "marche", "camina", "cammin", "caminh", "wandel", "gång"),
    "hike": ("wander", "randonn", "senderis", "escursion", "vandr"),
    "other": ("ski", "esqu", "sci", "schi", "snow", "rud", "row", "aviron", "remo", "roei", "kano", "kayak", "patin"),
}
_BEGUN: Final[list[tuple[str, Sport]]] = [(stem, sport) for sport, stems in _STEMS.items() for stem in stems]


def sport_of_foreign_word(told: object) -> Sport:
    """The same for a word of a language that may not be known: `unknown` where only its beginning could have told.

    >>> [sport_of_foreign_word(told) for told in ("Ciclismo em local fechado", "Laufen", "Lenkkeily")]
    ['ride', 'run', 'unknown']
    """
    sport = sport_of_platform(told)
    if sport != "other" or not isinstance(told, str):
        return sport
    word = told.strip().casefold()
    return next((begun for stem, begun in _BEGUN if word.startswith(stem)), "unknown")


def sport_of_platform(told: object) -> Sport:
    """The sport that a platform's word means; `unknown` where there is no word, `other` where it is none of ours.

    >>> [sport_of_platform(told) for told in ("TrailRun", "Course à pied", "RUNNING_TREADMILL", "Yoga", None)]
    ['run_trail', 'run', 'run_treadmill', 'other', 'unknown']
    """
    if not isinstance(told, str):
        return "unknown"
    word = "".join(character for character in told[:80].casefold() if character.isalpha())
    if not word or word in _NOT_SAID:
        return "unknown"
    return _SPORTS.get(word, "other")
