"""The contexts of Toybox, in which things are drawn: scenes and plain backgrounds. Standard library only."""
# Plain backgrounds, and their colours in RGB.
COLOURS = {
    "red": (214, 60, 60), "blue": (70, 110, 220), "green": (60, 160, 80), "yellow": (240, 210, 70), "pink": (240, 150, 190),
    "purple": (130, 80, 180), "white": (245, 245, 245), "gray": (140, 140, 140), "orange": (240, 140, 50), "teal": (50, 160, 160),
}
# Scenes, and how captions say them.
SCENES = {
    "grass": "on grass", "snow": "in the snow", "night": "at night", "beach": "on the beach", "brick": "in front of a brick wall",
    "water": "in the water", "desert": "in the desert", "sunset": "at sunset", "forest": "in a forest", "space": "in space",
    "sea": "under the sea", "rain": "in the rain", "room": "in a room", "road": "on a road", "street": "in the street",
    "hills": "in the hills", "table": "on a wooden table", "meadow": "in a meadow", "stage": "on a stage",
}
CONTEXTS = list(SCENES) + list(COLOURS)
