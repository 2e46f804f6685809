"""The report: one page, numbers of the dataset, everything escaped, nothing asked of a network."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from latmm.report import report
from latmm.results import read
from latmm.stored import conductances
from latmm_cli.main import cli

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """Tags, links and cells of a page; complains of tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.titles: list[float] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action") or name.startswith("on"):
                self.links.append(f"{name}={value}")
            if name == "title" and tag == "td":
                self.titles.append(float(value))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag != "meta":
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "media.nc"
    words = ["amm", "--left-medium", "al", "--right-medium", "sapphire", "-T", "20:100:80"]
    assert CliRunner().invoke(cli, [*words, "-o", str(path), "-q"]).exit_code == 0
    return path


@pytest.fixture(scope="module")
def page(result):
    return report(read(result))


def test_the_page_is_whole_and_asks_nothing(page):
    found = Page(page)
    assert found.open == []
    assert not {"script", "iframe", "link", "img", "object"} & set(found.tags)
    assert all(re.fullmatch(r"(xlink:)?href=#\w+", link) for link in found.links)
    assert "url(http" not in page
    assert found.tags.count("svg") >= 5


def test_the_numbers_are_those_of_the_dataset(result, page):
    g = read(result)["comparison"].to_dataset()["conductance"] / 1e6
    assert Page(page).titles == g.transpose("temperature", "model").values.ravel().tolist()
    for model in g["model"].values:
        assert f"{float(g.sel(model=model, temperature=100.0)):.5g}" in page


def summary_alone(result):
    """The result without the tables of its models, and so without most figures."""
    tree = read(result)
    for name in set(tree.children) - {"comparison"}:
        del tree[name]
    return tree


def test_points_tell_the_values_of_the_dataset(result, page):
    told = re.findall(r"<title>AMM: ([\d.e+-]+), ([\d.e+-]+)</title>", page)
    assert len(told) > 50
    tree = read(result)
    first = [(float(x), float(y)) for x, y in told[:24]]  # of the first figure, conductance in MW m⁻² K⁻¹
    found = conductances(tree, [t for t, _ in first if t > 15])["conductance"].sel(model="amm") / 1e6
    assert [g for t, g in first if t > 15] == pytest.approx(found.values.tolist(), rel=2e-2)  # T has 4 digits
    marks = re.search(r'<g id="told-0">.*?</use>', page, re.S)[0]
    assert "opacity: 0" in marks


def test_what_comes_from_the_file_is_escaped(result):
    tree = summary_alone(result)
    evil = "<script>alert(1)</script><img src=http://x/>&\"'"
    tree.attrs["title"] = evil
    tree.attrs["potential"] = evil
    tree.attrs["limits"] = json.dumps([evil])
    tree.attrs["configuration"] = json.dumps({evil: evil})
    tree.attrs["left"] = evil
    text = report(tree)
    found = Page(text)
    assert not {"script", "img"} & set(found.tags)
    assert "&lt;script&gt;alert(1)" in text


def test_a_check_that_failed_is_red_and_named(result):
    tree = summary_alone(result)
    one = {"value": 2.0, "limit": 1.0, "unit": "1", "passed": False, "allowed": False, "meaning": "off"}
    tree.attrs["checks"] = json.dumps({"unitarity": {**one, "where": "", "remedy": "mend it"}})
    text = report(tree)
    assert "Checks that failed: unitarity." in text
    assert re.search(r'<tr class="failed"><td>unitarity</td><td>failed</td>.*mend it', text)


@pytest.mark.slow
def test_the_command_writes_the_page(result, page, tmp_path):
    path = tmp_path / "r.html"
    done = CliRunner().invoke(cli, ["report", str(result), "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert path.read_text(encoding="utf-8") == page
    assert CliRunner().invoke(cli, ["report", str(result), "-o", str(path)]).exit_code != 0  # exists


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_a_browser_shows_it_without_a_complaint(result, page, tmp_path):
    path = tmp_path / "r.html"
    path.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "CONSOLE" not in done.stderr
    g = read(result)["comparison"].to_dataset()["conductance"] / 1e6
    shown = re.findall(r'<td title="([^"]+)"', done.stdout)
    assert [float(x) for x in shown] == g.transpose("temperature", "model").values.ravel().tolist()
