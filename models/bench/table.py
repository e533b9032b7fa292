"""How figures are printed."""
import statistics


def spread(values, form):
    """Median, and least to greatest."""
    return f"{form(statistics.median(values))}  ({form(min(values))} to {form(max(values))})"


def duration(seconds):
    """In the unit that a person would use."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.2f} ms"


def table(rows):
    """Cells in columns: the first one to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "   ".join([row[0].ljust(widths[0]), *cells]))


def aim(title, values, form, limit):
    """One line with a figure, its aim and whether it is met."""
    middle = statistics.median(values)
    print(f"  {title}: {spread(values, form)}, aim under {form(limit)}: {'met' if middle < limit else 'MISSED'}")
    return dict(values=values, median=middle, aim=limit)
