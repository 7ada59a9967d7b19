#!/usr/bin/env python3
"""Documents for fathom fit lda that any Debian system has: descriptions of packages.

Writes NAME.mtx (Matrix Market, packages by words), NAME.words (one word a line) and NAME.packages
(the name of each document). Words are runs of letters in lower case; a short list of words that say
nothing and words in few packages or in very many are left out.

    examples/package_documents.py packages              # installed packages, whole descriptions
    examples/package_documents.py packages --available  # all that apt knows, a line and tags each
    fathom fit lda packages.mtx --vocabulary packages.words --topics 20
"""
import argparse
import collections
import re
import subprocess
import sys

STOP = set("""a about all also an and any are as at available based be been but by can contains each
for from has have if in into is it its like many more most no not of on one only or other provides
some such than that the their them then there these they this those to two use used useful user
users uses using very via was well when where which will with within without you your package
packages include includes including included dummy transitional""".split())


def descriptions(available):
    """(name, text) of each package."""
    if available:
        text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True,
                              text=True).stdout
        for block in text.split("\n\n"):
            fields = dict(re.findall(r"^([A-Z][\w-]*): ((?:.|\n )*)", block, re.M))
            if "Package" in fields:
                tags = re.sub(r"[\w-]+::", " ", fields.get("Tag", ""))
                yield fields["Package"], fields.get("Description", "") + " " + tags
        return
    form = "${Package}\\n${Description}\\n\\n"
    text = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, check=True,
                          text=True).stdout
    for block in text.split("\n\n"):
        name, _, rest = block.partition("\n")
        if name:
            yield name, rest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", help="files to write: NAME.mtx, NAME.words, NAME.packages")
    parser.add_argument("--available", action="store_true", help="all packages that apt knows")
    parser.add_argument("--least", type=int, default=5, help="packages that a word must be in")
    parser.add_argument("--most", type=float, default=0.2, help="part of them that it may be in")
    parser.add_argument("--every", type=int, default=0,
                        help="put every so manyth package into NAME-test.mtx instead")
    args = parser.parse_args()
    names, documents = [], []
    seen = set()
    for name, text in descriptions(args.available):
        words = [w for w in re.findall(r"[a-z]{2,}", text.lower()) if w not in STOP]
        if words and text not in seen:  # packages of one source often share theirs
            seen.add(text)
            names.append(name)
            documents.append(collections.Counter(words))
    there = collections.Counter(w for d in documents for w in d)
    kept = sorted(w for w, n in there.items() if args.least <= n <= args.most * len(documents))
    if not kept:
        sys.exit("no word is in so many packages and in no more")
    place = {w: i + 1 for i, w in enumerate(kept)}
    test = {i for i in range(len(documents)) if args.every and i % args.every == args.every - 1}
    for suffix, chosen in (("", [i for i in range(len(documents)) if i not in test]),
                           ("-test", sorted(test))):
        if not chosen:
            continue
        entries = [(d + 1, place[w], n) for d, i in enumerate(chosen)
                   for w, n in sorted(documents[i].items()) if w in place]
        with open(f"{args.name}{suffix}.mtx", "w") as f:
            f.write("%%MatrixMarket matrix coordinate integer general\n")
            f.write(f"{len(chosen)} {len(kept)} {len(entries)}\n")
            f.writelines(f"{d} {w} {n}\n" for d, w, n in entries)
        with open(f"{args.name}{suffix}.packages", "w") as f:
            f.writelines(f"{names[i]}\n" for i in chosen)
    with open(f"{args.name}.words", "w") as f:
        f.writelines(f"{w}\n" for w in kept)
    print(f"{len(documents)} packages, {len(kept)} words")


if __name__ == "__main__":
    main()
