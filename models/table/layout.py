"""Where subjects stand who are drawn in boxes, the same for every system: as `cones generate --apart` puts them."""
# Left, top, right and bottom as shares of the picture, by how many subjects there are.
QUARTERS = [(0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 1.0, 0.5), (0.0, 0.5, 0.5, 1.0), (0.5, 0.5, 1.0, 1.0)]
AREAS = {2: [(0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75)], 3: QUARTERS[:3], 4: QUARTERS}


def boxes(called):
    """The box of each subject, by the words that it is called by in the prompt."""
    return {words: [area] for words, area in zip(called, AREAS[len(called)])}
