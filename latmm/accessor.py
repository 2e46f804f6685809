"""``tree.latmm`` and ``dataset.latmm``: what a result still answers, in one line each.

Importing this module gives every :class:`xarray.DataTree` the attribute ``latmm``::

    import latmm.accessor

    tree = latmm.read("si-ge.nc")
    tree.latmm.conductance([77, 300])          # at new temperatures, without running again
    tree.latmm.to(frequency="meV")             # in other units
    tree.latmm.plot("conductance")             # any figure of latmm plot
"""

from typing import TYPE_CHECKING, Any

import xarray as xr
from numpy.typing import ArrayLike

from latmm.checks import Checks, loads
from latmm.inspection import contents
from latmm.stored import conductances, in_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ResultAccessor"]


@xr.register_datatree_accessor("latmm")  # type: ignore[no-untyped-call]
class ResultAccessor:
    """A result of latmm.

    Parameters
    ----------
    tree : xarray.DataTree
        From :func:`latmm.compare` or :func:`latmm.read`.
    """

    def __init__(self, tree: xr.DataTree) -> None:
        self._tree = tree

    def conductance(self, temperature: ArrayLike) -> xr.Dataset:
        """Conductances of every model at any temperatures, from the stored Ξ(ν).

        See :func:`latmm.stored.conductances`.
        """
        return conductances(self._tree, temperature)

    def to(self, *, frequency: str = "THz", conductance: str = "W m-2 K-1") -> xr.DataTree:
        """Return the result in other units, see :func:`latmm.stored.in_units`."""
        return in_units(self._tree, frequency=frequency, conductance=conductance)

    def plot(self, figure: str | None = None, **options: Any) -> "Figure":
        """Draw a figure of the result by its name, see :func:`latmm.plotting.stored.draw`."""
        from latmm.plotting.stored import draw

        return draw(self._tree, figure, **options)

    @property
    def checks(self) -> Checks:
        """The checks by name."""
        return loads(self._tree.attrs.get("checks", "{}"))

    @property
    def contents(self) -> dict[str, Any]:
        """Provenance, settings and variables as plain data, see :func:`latmm.inspection.contents`."""
        return contents(self._tree)

    def __repr__(self) -> str:
        """Name the file's title and models."""
        models = [name for name, node in self._tree.children.items() if "transmission" in node]
        failed = [name for name, one in self.checks.items() if not one.passed]
        verdict = f"failed: {', '.join(failed)}" if failed else "none failed"
        lowest = self._tree.attrs.get("title", "result of latmm")
        return f"<{lowest}; models: {', '.join(models) or 'none'}; checks: {verdict}>"
