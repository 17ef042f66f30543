"""The credits that each drawing's licence asks for."""

from __future__ import annotations

from sources import Source

CREDITS = {
    "fluent_3d": "Fluent Emoji, 3D style. Copyright (c) Microsoft Corporation. "
    "<https://github.com/microsoft/fluentui-emoji>",
    "noto": "Noto Emoji. Copyright Google LLC. <https://github.com/googlefonts/noto-emoji>",
    "openmoji_line": "All emojis designed by OpenMoji – the open-source emoji and icon project. "
    "<https://openmoji.org>",
    "twemoji": "Twemoji. Copyright Twitter, Inc and other contributors. Graphics licensed under "
    "CC-BY 4.0. <https://github.com/jdecked/twemoji>",
}
TEXTS = {
    "MIT": "https://opensource.org/license/mit",
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
}
MIT_TERMS = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def licence_text(domains: dict[str, Source], names: Source) -> str:
    """Return LICENSES.md."""
    lines = [
        "# Whose pictures these are",
        "",
        "Changes made to all: a selection, rendered or scaled to 64 x 64 pixels, saved as WebP.",
        "",
        "| file | package | credit | licence |",
        "|---|---|---|---|",
    ]
    for domain, source in sorted(domains.items()):
        lines.append(
            f"| {domain}.zip | {source.package} {source.version} | {CREDITS[domain]} "
            f"| [{source.licence}]({TEXTS[source.licence]}) |"
        )
    lines += [
        "",
        f"Labels and subgroups in index.json: {names.package} {names.version}, Copyright (c) 2017 "
        f"{names.author}, [{names.licence}]({TEXTS[names.licence]}).",
        "",
        "**Share alike:** openmoji_line.zip, and whatever is adapted from its pictures, may be "
        "passed on only under CC-BY-SA 4.0 or a compatible licence. The other files, and the code "
        "of this repository, are separate works and are not affected.",
        "",
        "## MIT, for fluent_3d.zip and the labels",
        "",
        MIT_TERMS,
    ]
    return "\n".join(lines)
