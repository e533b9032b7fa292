"""What Toybox can draw: classes in the four categories of the Cones paper, the icons that are drawings of each, and
which drawings are held out as new subjects.

A class has every icon of its list in every artwork set that has it: five to sixteen drawings.
"""

# word -> icon names, in the spelling that the artwork sets share; a line holds several classes.
PEOPLE = """
    goblin: goblin | ogre: ogre | golfer: person-golfing,man-golfing
    baby: baby | boy: boy | girl: girl | man: man | woman: woman | grandpa: old-man | grandma: old-woman | angel: baby-angel
    santa: santa-claus,mrs-claus | policeman: police-officer,man-police-officer | detective: detective,man-detective
    builder: construction-worker,man-construction-worker | prince: prince | princess: princess | clown: clown-face
    cowboy: cowboy-hat-face | alien: alien | monster: alien-monster | robot: robot,robot-face | ghost: ghost | skull: skull
    snowman: snowman,snowman-without-snow | dancer: woman-dancing,man-dancing | skier: skier | snowboarder: snowboarder
    surfer: person-surfing,man-surfing | runner: person-running,man-running,woman-running | cyclist: person-biking,man-biking
    smiley: grinning-face,grinning-face-with-big-eyes,smiling-face-with-smiling-eyes
    devil: smiling-face-with-horns,angry-face-with-horns | astronaut: astronaut,man-astronaut,woman-astronaut
"""
ANIMALS = """
    ant: ant | lizard: lizard | caterpillar: bug | boar: boar | ram: ram | shrimp: shrimp | squid: squid | turkey: turkey | ox: ox,water-buffalo
    dog: dog-face,dog | cat: cat-face,cat | mouse: mouse-face,mouse | hamster: hamster | rabbit: rabbit-face,rabbit
    fox: fox,fox-face | bear: bear,bear-face | panda: panda,panda-face | koala: koala | tiger: tiger-face,tiger
    lion: lion,lion-face | leopard: leopard | cow: cow-face,cow | pig: pig-face,pig | frog: frog,frog-face
    monkey: monkey-face,monkey | gorilla: gorilla | chicken: chicken | rooster: rooster
    chick: baby-chick,front-facing-baby-chick,hatching-chick | penguin: penguin | bird: bird | duck: duck | eagle: eagle
    owl: owl | bat: bat | wolf: wolf,wolf-face | horse: horse-face,horse | unicorn: unicorn,unicorn-face | bee: honeybee
    butterfly: butterfly | snail: snail | ladybug: lady-beetle | spider: spider | scorpion: scorpion | turtle: turtle
    snake: snake | octopus: octopus | crab: crab | blowfish: blowfish | fish: tropical-fish,fish | dolphin: dolphin
    whale: spouting-whale,whale | shark: shark | crocodile: crocodile | rhino: rhinoceros | elephant: elephant
    camel: camel,two-hump-camel | sheep: ewe | goat: goat | deer: deer | dragon: dragon-face,dragon | giraffe: giraffe
    zebra: zebra
"""
PLACES = """
    moai: moai | statue: statue-of-liberty | temple: classical-building | mosque: mosque | tornado: tornado | station: station
    house: house,house-with-garden | castle: castle | pagoda: japanese-castle | church: church | school: school
    hospital: hospital | hotel: hotel | factory: factory | shop: convenience-store | stadium: stadium | tower: tokyo-tower
    fountain: fountain | tent: tent | camp: camping | circus: circus-tent | wheel: ferris-wheel | rollercoaster: roller-coaster
    carousel: carousel-horse | volcano: volcano | mountain: mountain,snow-capped-mountain | island: desert-island
    city: cityscape | rainbow: rainbow | rocket: rocket
"""
DECORATIONS = """
    microscope: microscope | tram: tram,tram-car | ship: ship,passenger-ship | joystick: joystick | dice: game-die | bomb: bomb
    radio: radio | saxophone: saxophone | taco: taco | ramen: steaming-bowl | clover: four-leaf-clover | hourglass: hourglass-done
    wrench: wrench | chair: seat,chair | watch: watch | lantern: red-paper-lantern
    car: automobile,oncoming-automobile | taxi: taxi,oncoming-taxi | bus: bus,oncoming-bus | ambulance: ambulance
    firetruck: fire-engine | truck: delivery-truck,articulated-lorry | tractor: tractor | bicycle: bicycle
    scooter: motor-scooter | motorcycle: motorcycle | train: train,high-speed-train,bullet-train | helicopter: helicopter
    airplane: airplane,small-airplane | sailboat: sailboat | tree: evergreen-tree | oak: deciduous-tree | palm: palm-tree
    cactus: cactus | tulip: tulip | rose: rose | sunflower: sunflower | bouquet: bouquet | mushroom: mushroom | leaf: maple-leaf
    apple: red-apple,green-apple | pear: pear | banana: banana | lemon: lemon | tangerine: tangerine | grapes: grapes
    watermelon: watermelon | strawberry: strawberry | cherries: cherries | peach: peach | pineapple: pineapple | tomato: tomato
    eggplant: eggplant | carrot: carrot | corn: ear-of-corn | pepper: hot-pepper | avocado: avocado | bread: bread
    croissant: croissant | cheese: cheese-wedge | hamburger: hamburger | fries: french-fries | pizza: pizza | hotdog: hot-dog
    egg: egg | pancakes: pancakes | popcorn: popcorn | sushi: sushi | donut: doughnut | cookie: cookie | cake: birthday-cake
    lollipop: lollipop | honey: honey-pot | coffee: hot-beverage | wine: wine-glass | beer: beer-mug | cocktail: cocktail-glass
    icecream: ice-cream,soft-ice-cream | umbrella: umbrella,umbrella-with-rain-drops | guitar: guitar | violin: violin
    trumpet: trumpet | drum: drum | microphone: microphone | headphones: headphone | television: television
    camera: camera,camera-with-flash | laptop: laptop | phone: mobile-phone | bell: bell | key: key,old-key | lock: locked
    hammer: hammer | scissors: scissors | sword: dagger | book: closed-book,green-book,blue-book | pencil: pencil
    brush: paintbrush | backpack: backpack | handbag: handbag | hat: top-hat | crown: crown | glasses: glasses
    sunglasses: sunglasses | boot: womans-boot | dress: dress | shirt: t-shirt | ring: ring | diamond: gem-stone
    gift: wrapped-gift | balloon: balloon | football: soccer-ball | basketball: basketball | gamepad: video-game
    trophy: trophy | candle: candle | telescope: telescope | star: star | sun: sun,sun-with-face | moon: crescent-moon
    cloud: cloud | snowflake: snowflake | fire: fire | heart: red-heart
    globe: globe-showing-europe-africa,globe-showing-americas | anchor: anchor | pumpkin: jack-o-lantern
"""

# Other words for a class; a caption has one now and then instead of the first.
ALIASES = {
    "dog": ["puppy"], "cat": ["kitten"], "rabbit": ["bunny"], "bicycle": ["bike"], "airplane": ["plane"], "hamburger": ["burger"],
    "television": ["tv"], "car": ["automobile"], "motorcycle": ["motorbike"], "donut": ["doughnut"], "tree": ["fir"],
    "gift": ["present"], "hat": ["tophat"], "phone": ["smartphone"], "laptop": ["computer"],
    "policeman": ["officer"], "shop": ["store"], "house": ["home"], "football": ["ball"], "skull": ["skeleton"],
    "bee": ["honeybee"],
}

# No drawing of these classes from either Fluent set is ever shown in training to any part of the model or of its measure.
HELD_OUT = set(
    "dog cat bear car owl robot fox rabbit mushroom guitar house turtle penguin octopus "  # those of the first Toybox
    "princess astronaut snowman detective castle tent church bus umbrella backpack cake dragon".split())
HELD_OUT_SETS = ("fluent-emoji", "fluent-emoji-flat")


def parse(text):
    table = {}
    for entry in text.replace("\n", "|").split("|"):
        if entry.strip():
            word, icons = entry.split(":")
            table[word.strip()] = [name.strip() for name in icons.split(",")]
    return table


CATEGORIES = {"people": parse(PEOPLE), "animals": parse(ANIMALS), "places": parse(PLACES), "decorations": parse(DECORATIONS)}
CLASSES = {word: icons for table in CATEGORIES.values() for word, icons in table.items()}
