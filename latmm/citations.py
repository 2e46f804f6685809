"""What to cite: latmm, and the models, potentials and programs that a given result used, as BibTeX.

Every paper stands in docs/sources.md too, which says how far it was checked; a line above each entry repeats
that mark.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import xarray as xr

from latmm import __version__
from latmm.models import MODELS

__all__ = ["SOURCES", "Source", "bibtex", "notes", "used_by"]


@dataclass(frozen=True)
class Source:
    """An article or a program.

    Attributes
    ----------
    key : str
        Of the BibTeX entry.
    authors, title, journal, volume, pages, year : str
        As in BibTeX; without a journal it is software.
    use : str
        What latmm takes from it.
    evidence : str
        How far the citation was checked: text, copy or memory (docs/sources.md).
    """

    key: str
    authors: str
    title: str
    journal: str
    volume: str
    pages: str
    year: str
    use: str
    evidence: str = "memory"

    @property
    def entry(self) -> str:
        """The BibTeX entry, with its use and evidence in a comment above."""
        fields = {
            "author": self.authors,
            "title": f"{{{self.title}}}" if self.title else "",
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages,
            "year": self.year,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        marks = {"text": "checked against the text", "copy": "checked against an independent copy"}
        mark = marks.get(self.evidence, "from memory: check it before you print it")
        return "\n".join([f"% {self.use} ({mark})", f"@article{{{self.key},", *lines, "}"])


_PRB = "Physical Review B"

SOURCES: Final[dict[str, Source]] = {
    source.key: source
    for source in (
        Source(
            *("landauer1987", "Landauer, R.", "", 'Zeitschrift f{\\"u}r Physik B', "68", "217", "1987"),
            use="two-probe conductance",
        ),
        Source(
            *("tian2012", "Tian, Z. and Esfarjani, K. and Chen, G.", "", _PRB, "86", "235304", "2012"),
            use="four-probe conductance",
        ),
        Source(
            *("buttiker1986", 'B{\\"u}ttiker, M.', "", _PRB, "33", "3020", "1986"),
            use="dissipative contact",
        ),
        Source(
            *("ando1991", "Ando, T.", "", _PRB, "44", "8017", "1991"),
            use="Bloch modes of the leads",
        ),
        Source(
            *("zhang2007", "Zhang, W. and Fisher, T. S. and Mingo, N.", ""),
            *("Numerical Heat Transfer B", "51", "333", "2007"),
            use="atomistic Green's function for phonons",
        ),
        Source(
            *("little1959", "Little, W. A.", "", "Canadian Journal of Physics", "37", "334", "1959"),
            use="acoustic mismatch model",
        ),
        Source(
            *("swartz1989", "Swartz, E. T. and Pohl, R. O.", ""),
            *("Reviews of Modern Physics", "61", "605", "1989"),
            use="acoustic and diffuse mismatch models",
        ),
        Source(
            *("reddy2005", "Reddy, P. and Castelino, K. and Majumdar, A.", ""),
            *("Applied Physics Letters", "87", "211908", "2005"),
            use="diffuse mismatch with the full dispersion",
        ),
        Source(
            *("stoner1993", "Stoner, R. J. and Maris, H. J.", "", _PRB, "48", "16373", "1993"),
            use="radiation limit",
            evidence="text",
        ),
        Source(
            *("zhang2018", "Zhang, Y. and others", "", "Frontiers in Energy Research", "6", "48", "2018"),
            use="mixture of acoustic and diffuse mismatch",
            evidence="text",
        ),
        Source(
            *("maznev2015", "Maznev, A. A.", "", _PRB, "91", "134306", "2015"),
            use="specularity of rough interfaces",
            evidence="text",
        ),
        Source(
            *("khalatnikov1952", "Khalatnikov, I. M.", ""),
            *("Zhurnal Eksperimental'noi i Teoreticheskoi Fiziki", "22", "687", "1952"),
            use="sound of helium into a solid",
        ),
        Source(
            *("chen1998", "Chen, G.", "", _PRB, "57", "14958", "1998"),
            use="diffuse mismatch balanced by heat capacities",
        ),
        Source(
            *("dames2004", "Dames, C. and Chen, G.", "", "Journal of Applied Physics", "95", "682", "2004"),
            use="diffuse mismatch balanced by total energies",
        ),
        Source(
            *("hopkins2007", "Hopkins, P. E. and Norris, P. M.", ""),
            *("Nanoscale and Microscale Thermophysical Engineering", "11", "247", "2007"),
            use="diffuse mismatch with joint frequencies",
        ),
        Source(
            *("hopkins2008", "Hopkins, P. E. and Norris, P. M. and Stevens, R. J.", ""),
            *("Journal of Heat Transfer", "130", "022401", "2008"),
            use="inelastic radiation limit",
        ),
        Source(
            *("debellis2000", "De Bellis, L. and Phelan, P. E. and Prasher, R. S.", ""),
            *("Journal of Thermophysics and Heat Transfer", "14", "144", "2000"),
            use="diffuse mismatch branch by branch",
        ),
        Source(
            *("tersoff1989", "Tersoff, J.", "", _PRB, "39", "5566", "1989"),
            use="potential tersoff: parameters",
            evidence="copy",
        ),
        Source(
            *("lindsay2010", "Lindsay, L. and Broido, D. A.", "", _PRB, "81", "205441", "2010"),
            use="potential bnc: carbon",
            evidence="copy",
        ),
        Source(
            *("kinaci2012", "Kinaci, A. and Haskins, J. B. and Sevik, C. and Cagin, T.", ""),
            *(_PRB, "86", "115410", "2012"),
            use="potential bnc: boron, nitrogen and carbon",
            evidence="copy",
        ),
        Source(
            *("stillinger1985", "Stillinger, F. H. and Weber, T. A.", "", _PRB, "31", "5262", "1985"),
            use="potential sw: form and silicon",
            evidence="copy",
        ),
        Source(
            *("ding1986", "Ding, K. and Andersen, H. C.", "", _PRB, "34", "6987", "1986"),
            use="potential sw: germanium",
            evidence="copy",
        ),
        Source(
            *("zhou2004", "Zhou, X. W. and Johnson, R. A. and Wadley, H. N. G.", ""),
            *(_PRB, "69", "144113", "2004"),
            use="potential eam: parameters",
            evidence="copy",
        ),
        Source(
            *("jacobsen1996", "Jacobsen, K. W. and Stoltze, P. and N{\\o}rskov, J. K.", ""),
            *("Surface Science", "366", "394", "1996"),
            use="potential emt",
            evidence="copy",
        ),
        Source(
            *("bernardes1958", "Bernardes, N.", "", "Physical Review", "112", "1534", "1958"),
            use="potential lj: noble gases",
        ),
        Source(
            *("majumdar2004", "Majumdar, A. and Reddy, P.", ""),
            *("Applied Physics Letters", "84", "4768", "2004"),
            use="resistance between electrons and phonons of a metal",
            evidence="text",
        ),
        Source(
            *("gundrum2005", "Gundrum, B. C. and Cahill, D. G. and Averback, R. S.", ""),
            *(_PRB, "72", "245426", "2005"),
            use="electrons between two metals",
            evidence="text",
        ),
        Source(
            *("togo2023", "Togo, A.", "First-principles phonon calculations with phonopy and phono3py"),
            *("Journal of the Physical Society of Japan", "92", "012001", "2023"),
            use="phonopy: force constants",
        ),
        Source(
            *("larsen2017", "Larsen, A. H. and others", "The atomic simulation environment"),
            *("Journal of Physics: Condensed Matter", "29", "273002", "2017"),
            use="ASE: structures and calculators",
        ),
    )
}
"""By key."""

_MODELS: Final[dict[str, tuple[str, ...]]] = {
    "agf": ("zhang2007", "ando1991"),
    "amm": ("little1959", "swartz1989"),
    "impedance": ("little1959",),
    "inelastic": ("buttiker1986",),
    "khalatnikov": ("khalatnikov1952",),
    "mixed": ("maznev2015", "zhang2018"),
    "dmm": ("swartz1989", "reddy2005"),
    "dmm-branch": ("debellis2000",),
    "dmm-anisotropic": ("swartz1989",),
    "dmm-debye": ("swartz1989",),
    "dmm-inelastic": ("chen1998",),
    "dmm-inelastic-energy": ("dames2004",),
    "dmm-joint-frequency": ("hopkins2007",),
    "radiation": ("stoner1993",),
    "radiation-debye": ("stoner1993",),
    "radiation-inelastic": ("hopkins2008",),
}
_POTENTIALS: Final[dict[str, tuple[str, ...]]] = {
    "tersoff": ("tersoff1989",),
    "sw": ("stillinger1985", "ding1986"),
    "eam": ("zhou2004",),
    "emt": ("jacobsen1996",),
    "lj": ("bernardes1958",),
    "bnc": ("lindsay2010", "kinaci2012"),
}


def used_by(tree: xr.DataTree) -> list[str]:
    """Keys of the sources of a result: models, potential, force constants.

    Parameters
    ----------
    tree : xarray.DataTree
        Any result file.
    """
    names = {name.replace("_", "-") for name in tree.children}
    for node in tree.subtree:
        if "model" in node.coords:
            names |= {str(name) for name in node.coords["model"].values.ravel()}
    models = [name for name in MODELS if name in names]
    keys = [key for name in models for key in _sources_of(name)]
    if any("conductance_four_probe" in node.data_vars for node in tree.subtree):
        keys = ["landauer1987", "tian2012", *keys]
    if "electrons" in tree.children:
        keys += ["majumdar2004", "gundrum2005"]
    potential = str(tree.attrs.get("potential", ""))
    if potential:
        keys += [*_POTENTIALS.get(potential.partition(":")[0].strip(), ()), "togo2023", "larsen2017"]
    return list(dict.fromkeys(keys))


def _sources_of(model: str) -> tuple[str, ...]:
    return _MODELS.get(model, _MODELS.get(model.partition("-")[0], ()))


def bibtex(keys: Iterable[str] = ()) -> str:
    """Write BibTeX entries: latmm itself, then the sources with these keys."""
    own = "\n".join(
        [
            "@software{latmm,",
            "  author = {{The latmm developers}},",
            "  title = {{latmm: thermal boundary conductance of crystal interfaces from lattice dynamics and "
            "continuum models}},",
            f"  version = {{{__version__}}},",
            "  license = {BSD-3-Clause},",
            "}",
        ]
    )
    return "\n\n".join([own, *(SOURCES[key].entry for key in keys)])


def notes(tree: xr.DataTree) -> list[str]:
    """List what a result used that has no entry: the potential in full, and the programs."""
    potential = str(tree.attrs.get("potential", ""))
    name, _, text = potential.partition(": ")
    lines = [f"potential {name}: {text}"] if text else []
    versions = tree.attrs.get("versions")
    if versions:
        programs = ", ".join(f"{program} {number}" for program, number in json.loads(versions).items())
        lines.append(f"programs: {programs}")
    return lines
