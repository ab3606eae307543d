"""Prints the licences of what the binary is built of: what each crate says, and the texts that come with its sources and
with the C code in them. It is run in the folder of the workspace, with arguments of `cargo tree`, as --features."""

import hashlib
import json
import pathlib
import subprocess
import sys

NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
# Of OpenSSL, PostgreSQL, mimalloc and AWS-LC, the C code of which is below the folder of the crate.
DEPTH = 4
# What is in the sources, but not in the binary.
ELSEWHERE = {"tests", "test", "benches", "examples", "node_modules", "doc", "docs", "demos", "fuzz"}
# Crates that bring code of others without its licence, which is in deploy/licences.
WITHOUT_TEXT = {"pq-src": "postgresql.txt"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def crates():
    """What is linked into the binary, or builds something that is, as (name, version, licence, folder)."""
    tree = ("--package", "convosync-server", "--edges", "normal,build", "--prefix", "none", "--format", "{p}")
    lines = run("cargo", "tree", "--locked", *tree, *sys.argv[1:]).splitlines()
    # "libc v0.2.1", "convosync-jwt v0.1.0 (/a/path)", either with a mark after it.
    used = {tuple(line.split()[:2]) for line in lines}
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1"))
    for package in metadata["packages"]:
        name, version = package["name"], package["version"]
        if package["source"] and (name, f"v{version}") in used:
            folder = pathlib.Path(package["manifest_path"]).parent
            yield name, version, package["license"] or package["license_file"], folder


def texts(folder):
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if len(place.parts) > DEPTH or ELSEWHERE & set(place.parts) or not path.is_file():
            continue
        if path.name.upper().startswith(NAMES) and path.suffix in ("", ".txt", ".md"):
            yield path.read_text(encoding="utf-8", errors="replace").strip()


def main():
    users, by_digest = {}, {}
    print("Convosync is built of the following. The texts of their licences come after the list.\n")
    for crate, version, licence, folder in sorted(crates()):
        name = f"{crate} {version}"
        print(f"{name}: {licence}")
        found = list(texts(folder))
        if crate in WITHOUT_TEXT:
            found.append(pathlib.Path("deploy/licences", WITHOUT_TEXT[crate]).read_text(encoding="utf-8").strip())
        for text in found:
            digest = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            by_digest[digest] = text
            users.setdefault(digest, []).append(name)
    for digest, names in users.items():
        print(f"\n\n{'=' * 80}\n{', '.join(dict.fromkeys(names))}\n{'=' * 80}\n\n{by_digest[digest]}")


main()
