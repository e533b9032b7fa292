"""A large file in pieces, each small enough to travel, with hashes that tell whether all of it came.

`NAME.000`, `NAME.001`, … are the pieces; `NAME.sums` has a line for the whole file and then one for each piece, as `sha256sum`
writes them. `xtask/src/gpu/pieces.rs` is the same in Rust. The standard library is all this needs.

    python pieces.py join NAME OUT FOLDER…      # the pieces lie in any of the folders
"""
import hashlib
import os
import sys
from pathlib import Path


def split(data, name, folder, size):
    """Writes `data` as pieces of `size` bytes and the sums; gives the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, paths = [f"{digest(data)}  {name}"], []
    for number, start in enumerate(range(0, max(1, len(data)), size)):
        piece = data[start:start + size]
        paths.append(folder / f"{name}.{number:03}")
        paths[-1].write_bytes(piece)
        lines.append(f"{digest(piece)}  {paths[-1].name}")
    paths.append(folder / f"{name}.sums")
    paths[-1].write_text("\n".join(lines) + "\n")
    return paths


def join(name, out, folders):
    """Puts the file together and checks it; a piece that is missing or damaged is named."""
    sums = [line.split("  ", 1) for line in find(f"{name}.sums", folders).read_text().splitlines()]
    whole, scratch = hashlib.sha256(), out.with_name(f"{out.name}.part")
    with open(scratch, "wb") as file:
        for wanted, piece in sums[1:]:
            data = find(piece, folders).read_bytes()
            if digest(data) != wanted:
                raise SystemExit(f"error: {piece} is damaged")
            whole.update(data)
            file.write(data)
    if whole.hexdigest() != sums[0][0]:
        raise SystemExit(f"error: {name} is not whole, though each of its pieces is")
    os.replace(scratch, out)


def find(name, folders):
    for folder in folders:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise SystemExit(f"error: {name} is in none of {', '.join(str(folder) for folder in folders)}")


def digest(data):
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) < 5 or sys.argv[1] != "join":
        raise SystemExit(__doc__)
    join(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
