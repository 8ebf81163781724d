"""The two words that bind a call to a browser: heard on the line, typed on the page.

Plain things with names that no ear confuses: within one list no two words differ by a single letter, nor by an accent.
Two words of 256 or more give 16 bits, and only a few wrong tries are allowed.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from typing import Final

_FI = """
aamu aasi ahven airo aita alppi ankka ankkuri arkku aurinko avain banaani betoni biisoni delfiini etana eteinen
fasaani gaselli haapa haarukka hame hammas hamsteri hanhi harava harppu hattu hauki haukka helmi hevonen hiekka
hiiri hillo hirvi hissi huivi hunaja huone hylje ikkuna ilma ilves inkivääri jakku jalka joki joulu joutsen juna
juuri juusto jyvä järvi kaali kaappi kahvi kaivo kaktus kallio kameli kampa kana kanava kanto karhu karpalo kartta
kassi kaura kela kello keltainen kenkä kerma kettu kevät kieli kiikari kirahvi kirja kirsikka kirves kissa kitara
kivi koira koivu korppi koski kotka kruunu kukka kulho kuningas kuppi kuusi kynttilä kypärä köysi laakso laiva
lamppu lanka lapio lato lautanen lehmä leijona leipä lentokone lihapulla lintu lohi loimu lokki luistin lumi luola
lusikka luumu luuta lyhty maito majakka makkara mansikka marja mehu meri metsä mittari mopo muki mummo mursu
mustikka mylly myrsky mänty nappi naula nauris nenä niitty norsu nuoli nuotio nuppu nurmi ohra oksa olkapää
olkihattu omena onki orava ovi paju pallo panda papukaija parta peikko peili pelto perhonen peruna peukalo piano
pihlaja pilvi pingviini pinni pipo pippuri polku pollari poro posliini pulla pumppu puolukka purje puutarha pyyhe
pyörä pähkinä päärynä pöytä raha rannikko raparperi ratas reppu retki riisi rinne risti ruis rumpu rusina ruukku
ruusu saapas saari sade sahti sakset salaatti salama sammal sauna seepra seinä siemen sieni siili siima silta
sinappi sipuli sohva sormus soutaja sulka suppilo susi suutari syksy säkki taivas takka talo tammi tanssi tarha
tasku tatti teltta tiikeri timantti tomaatti torni traktori tulppaani tuomi tutka tuuli tyyny ukkonen urut uuni
vaahtera vadelma vaja valas varis vasara vene verho vesi veturi viikuna villa viulu vuohi vyö ystävä äyriäinen öljy
"""

_SV = """
anka apa apelsin arm axel banan barn bastu berg björk blad blomma blåbär bok boll bord borste brev bro broder brunn
brygga buske bälte bäver båt cirkel citron cykel delfin docka dotter dragkedja drake droppe duva dörr ekorre eld
elefant fasan ficka filt fisk fjäder fjäril flagga flaska flotte fluga flygplan flöjt fot fyrtorn fågel får fönster
gaffel galax gardin get giraff gitarr glas gran grind groda gruva guld gurka hallon halsduk hammare hamn hand
handske harpa hatt hav himmel hink hjortron hjul hjälm honung hus höst igelkott ingefära jacka jordgubbe julgran
kaka kaktus kamel kamera kanal kanna kantarell karta kastanj kastrull keps kista kjol klippa klocka klänning knapp
kniv komet kompass kork kostym krona krusbär kudde kung kyrka källa lada lakan lamm lampa lejon lilja lind lingon
linjal ljus lotus lykta lönn mast matta medalj mjölk morot motor mugg mygga myra månad måne mössa nyckel näsa näsduk
nål orgel oxe paddel palm panda paprika paraply park pedal penna peppar persika persilja piano pil pingvin pipa
planet plommon plånbok pojke potatis prins pump pyjamas päron rabarber radio raket regn ring ris robot rock rosmarin
rum russin råg rödbeta sadel saft saga sallad sax segel sill sjö sked skjorta skog skola skärp slott smultron smör
sockerbit soffa sol sommar spade spenat spik stege sten stjärna storm strand strut stubbe stuga stövel svamp svan
sylt syrsa sång tak tall tallrik tavla teater telefon tiger timmer toffel tomat tomte torg traktor trappa trumma
tråd tröja tulpan tunga tunnel tupp tvål uggla ugn ull vagn vante vas vatten veranda vete vinbär vinter viol vulkan
väska vävstol yxa zebra älg äpple åker öga örn
"""

_EN = """
acorn almond anchor anvil apple apron arrow autumn bacon badge bagel baker balloon bamboo banana barrel basket beach
beaver bicycle biscuit bishop blanket blizzard blossom bonfire bottle bowl bracelet branch bread bridge broom brush
bucket buffalo butter button cabbage cactus camel camera candle canoe canyon captain carpet carrot castle cathedral
celery cello chair cheese cherry chess chimney cinnamon circle clock cloud clover cobweb coconut coffee comet
compass copper coral cotton cradle cricket crown crystal cucumber curtain daisy dancer dentist desert diamond doctor
dolphin donkey dragon drum eagle earth elbow elephant emerald engine envelope falcon feather fiddle field finger
flag flamingo flower flute forest fountain fox frog garden garlic giraffe glacier glove goose grape guitar hammer
hamster harbour harvest hazel hedge helmet hippo honey horse hotel hurricane icicle igloo insect island ivory jacket
jaguar jasmine jelly jigsaw juggler kangaroo kettle keyboard kitchen kitten koala ladder lagoon lamp lantern
lavender lemon lettuce library lily lion lizard lobster magician magnet mango maple marble mattress meadow mermaid
mirror moon mosaic mouse mushroom mustard napkin needle nickel noodle nutmeg oak ocean octopus olive onion orange
orchestra orchid ostrich otter oyster paddle palace pancake panda panther paper parachute passport peacock peanut
pearl pebble pelican pencil penguin pepper pharaoh piano pigeon pillow pilot pirate planet plum pocket pony popcorn
potato pumpkin puppet puzzle pyramid python quarry queen rabbit radio radish rainbow raven ribbon river robin robot
rooster rope sailor salad salmon sandal sausage scarf scissors seagull shadow shell shovel silver snail snow sock
spider spinach spoon squirrel statue stone storm sugar summer sunset swan table teapot temple thunder tiger toast
tomato towel tractor train trumpet tulip tunnel turkey turtle umbrella valley vanilla velvet village violin volcano
waffle wagon walnut walrus water whale wheat wheel whistle window winter wolf yacht yellow yogurt zebra zipper
"""

LISTS: Final[dict[str, tuple[str, ...]]] = {
    "fi": tuple(_FI.split()),
    "sv": tuple(_SV.split()),
    "en": tuple(_EN.split()),
}


def pair(language: str) -> tuple[str, str]:
    """Choose two words at random in a language; one that we have no list for gets English ones."""
    words = LISTS.get(language, LISTS["en"])
    return secrets.choice(words), secrets.choice(words)


def digits() -> tuple[str, str]:
    """Choose two groups of three digits at random, for an app that asks for what the caller hears (63B 3.1.3.2)."""
    six = f"{secrets.randbelow(1_000_000):06d}"
    return six[:3], six[3:]


def same(typed: str, wanted: tuple[str, str]) -> bool:
    """Tell whether these are the two words in their order; case, accents, spaces and signs are forgiven."""
    return hmac.compare_digest(plain(typed[:80]).encode(), plain(" ".join(wanted)).encode())


def plain(text: str) -> str:
    """Return the bare letters of a text: small, without accents, nothing between them."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in letters if sign.isalpha() and not unicodedata.combining(sign))
