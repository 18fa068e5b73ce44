"""Which sentences the pages say, and their English, brought in step.

`.venv/bin/python -m tests.support.translations` keeps the English there is, drops what is no
longer said and leaves new sentences empty, to be filled in by hand; tests/idp/web/test_i18n.py
fails until they are.  Nothing is compiled: the service reads the .po file itself.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

_ROOT: Final = Path(__file__).parents[2]
_WEB: Final = _ROOT / "idp" / "web"
_PO: Final = _WEB / "translations" / "en" / "LC_MESSAGES" / "messages.po"
_KEYWORDS: Final = {"_": None, "gettext": None, "N_": None, "translate": None}
_HEAD: Final = """# English beside the Vietnamese sentences that the pages are written in.
msgid ""
msgstr ""
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def said() -> set[str]:
    """Every sentence that a template or a Python file of `idp/web` marks for translation."""
    with (_ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(_WEB, methods, options, keywords=_KEYWORDS)
    return {str(sentence) for _, _, sentence, _, _ in found}


def english() -> Catalog:
    """The English there is."""
    with _PO.open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def main() -> int:
    """Rewrite the file; the exit status is 1 while English is missing."""
    before, after = english(), Catalog(locale="en")
    for sentence in said():
        known = before.get(sentence)
        after.add(sentence, str(known.string) if known else "")
    text = io.BytesIO()
    write_po(text, after, width=96, omit_header=True, sort_output=True)
    _PO.write_bytes(_HEAD.encode() + text.getvalue())
    missing = [str(message.id) for message in after if message.id and not message.string]
    for blank in missing:
        sys.stdout.write(f"no English yet: {blank}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
