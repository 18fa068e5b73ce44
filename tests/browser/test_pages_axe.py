"""axe-core finds nothing on any page, in Vietnamese on a small phone and in English on a desk.

Not here: what no program can judge; see the accessibility page.  With scripts switched off axe
never answers, so the pages without scripts are walked in test_pages_without_javascript.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.specimen_walk import each_specimen

_AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"]});
  return found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(" ")).join(", ")}`);
}"""


@pytest.mark.parametrize(("language", "width"), [("vi", 320), ("en", 1280)])
def test_axe_finds_no_violation(open_page, language, width):
    """WCAG 2.2, levels A and AA, as far as a program can tell."""
    violations = {}
    with open_page(width=width) as page:
        page.add_init_script(path=_AXE)
        for name in each_specimen(page, language=language):
            found = page.evaluate(_RUN)
            if found:
                violations[name] = found
    assert violations == {}
