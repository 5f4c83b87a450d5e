#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rules.py nmap FILE | modsecurity FILE...: their regular expressions, as rules for regex.
   rules.py banners RULES [N]: a text for each (N: each Nth) rule that Python finds one for and that Python says is
   matched, escaped, a line each."""

import re
import sys


def nmap(path):
    """match SERVICE m/PATTERN/FLAGS ..., where / is any character"""
    for number, line in enumerate(open(path, encoding="latin-1"), 1):
        found = re.match(r"(?:soft)?match (\S+) m(.)(.*?)\2([is]*)", line)
        if found:
            yield f"{found[1]}:{number}", found[4], found[3]


def modsecurity(paths):
    """SecRule VARIABLES "@rx PATTERN" "id:NUMBER, over several lines"""
    for path in paths:
        text = open(path, encoding="latin-1").read().replace("\\\n", "")
        for line in text.splitlines():
            found = re.match(r'\s*SecRule\s+\S+\s+"!?@rx ((?:\\.|[^"\\])*)"\s*"?\s*id:(\d+)', line)
            if found:
                yield "crs:" + found[2], "s", found[1].replace('\\"', '"')


def text_for(pattern):
    """A text that the pattern may match: parts that may be left out are, and of choices the first is taken."""
    import warnings

    warnings.simplefilter("ignore")
    try:
        from re import _parser as parser  # Python 3.11
    except ImportError:
        import sre_parse as parser

    def of_set(items):
        if str(items[0][0]) == "NEGATE":
            return next(c for c in "a 0-~" if not any(matches(i, ord(c)) for i in items[1:]))
        for kind, value in items:
            if str(kind) == "LITERAL":
                return chr(value)
            if str(kind) == "RANGE":
                return chr(value[0])
            return {"CATEGORY_DIGIT": "1", "CATEGORY_WORD": "w", "CATEGORY_SPACE": " "}.get(str(value), "-")

    def matches(item, code):
        kind, value = str(item[0]), item[1]
        if kind == "LITERAL":
            return code == value
        if kind == "RANGE":
            return value[0] <= code <= value[1]
        return bool(re.match({"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s",
                              "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_NOT_WORD": r"\W",
                              "CATEGORY_NOT_SPACE": r"\S"}[str(value)], chr(code)))

    def walk(items):
        out = ""
        for kind, value in items:
            kind = str(kind)
            if kind == "LITERAL":
                out += chr(value)
            elif kind == "NOT_LITERAL":
                out += "b" if value == ord("a") else "a"
            elif kind == "ANY":
                out += "."
            elif kind == "IN":
                out += of_set(value)
            elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
                out += walk(value[2]) * value[0]
            elif kind == "SUBPATTERN":
                out += walk(value[3])
            elif kind == "BRANCH":
                out += walk(value[1][0])
        return out

    return walk(parser.parse(pattern))


def texts(path, step):
    for line in list(open(path, encoding="latin-1", newline="\n"))[::step]:
        _, flags, pattern = line.rstrip("\n").split("\t", 2)
        flags = sum(getattr(re, f.upper()) for f in flags if f in "ims")
        pattern = re.sub(r"\\0", r"\\x00", pattern)
        try:
            text = text_for(pattern)
            if text and max(map(ord, text)) < 256 and re.search(pattern, text, flags):
                yield text
        except (re.error, RecursionError, OverflowError, StopIteration, KeyError, AttributeError):
            pass


def escaped(text):
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
    return "".join(named.get(c) or (c if " " <= c <= "~" else f"\\x{ord(c):02x}") for c in text)


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    sys.stdout.reconfigure(encoding="latin-1", newline="\n")
    if what == "banners":
        for text in texts(arguments[0], int(arguments[1]) if len(arguments) > 1 else 1):
            print(escaped(text))
    else:
        for name, flags, pattern in nmap(arguments[0]) if what == "nmap" else modsecurity(arguments):
            print(name, flags or "-", pattern, sep="\t")


if __name__ == "__main__":
    main()
