"""Films and finite superlattices: transmission through N equal periods between two leads, N by N.

A stack is a chain of elements that share nodes, the layers. Element l holds the onsite block of layer l and
its hopping h to the next; its two nodes feel f = K u, with K = [[H_l − ω², h], [h†, 0]].
In the waves

    a = (f + iγu)/√(2γ),   b = (f − iγu)/√(2γ),   b = S a,   S = (K − iγ)(K + iγ)⁻¹

S is unitary and finite at every real ω, γ > 0 being any stiffness: K + iγ is never singular, unlike the
response of an isolated stack. Two elements that share a node have u equal and f opposite there, a = −b', b =
−a', which gives the star product of their S. N periods take log₂ N products, and evanescent waves are
in it, for the waves are not the modes of any crystal. Both leads close the stack with D = H₀ + Σ − ω²:

    u = (1 − S)/(2iγ) [(1 + S)/2 + D (1 − S)/(2iγ)]⁻¹ s = −G s,   T = Tr[Γ_L G Γ_R G†].

The star product is R. Redheffer's (J. Math. Phys. 41, 1 (1962)), with the signs of forces.

In the endless superlattice node 2 of a period is node 1 of the next: a₂ = −λ b₁ and b₂ = −λ a₁ with the Bloch
factor λ, so that

    [s₁₁ −1] (a₁)     [0   s₁₂] (a₁)
    [s₂₁  0] (b₁) = λ [−1  s₂₂] (b₁),

and half of the factors on the unit circle belong to the waves that run to the right: the channels of the
minibands.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from latmm.agf.batch import adjoint, angular_frequencies, points_shape
from latmm.agf.green import self_energies
from latmm.agf.junction import Junction
from latmm.agf.leads import FoldedLead
from latmm.arrays import Complexes, Floats
from latmm.errors import InputError

__all__ = ["channels_of_periods", "transmission_of_periods"]

_ON_CIRCLE = 1e-6
"""A Bloch factor whose modulus is this near to 1 propagates: two that meet at a band edge are off by
the square root of rounding."""
_SHIFT = 0.6 * np.exp(0.7j)
"""Point inside the unit circle about which the pencil is inverted."""


def transmission_of_periods(
    junction: Junction,
    between: Complexes,
    counts: Iterable[int],
    omega: ArrayLike,
    *,
    period: tuple[int, int] | None = None,
) -> Floats:
    """Transmission functions of stacks that repeat the device of a junction, or a part of it.

    Parameters
    ----------
    junction : Junction
        Plain leads, and one period as its device of one layer or more, or as a part of it.
    between : (..., m, k) complex
        Hopping from the last layer of a period, of size m, to the first layer of the next, of size k,
        (rad/ps)².
    counts : iterable of int
        Numbers N ≥ 1 of periods; with ``period``, 0 leaves it out and joins the layers before and after it.
    omega : (...) array_like
        ω, rad/ps, positive; broadcasts against the leading axes of all blocks.
    period : (2,) int, optional
        First device layer of the period, from 0, and the one after its last; by default the whole device.
        Layers outside are in each stack once.

    Returns
    -------
    ndarray
        T, (numbers, ...), in the order of ``counts``; the first axis is that of the numbers.

    Raises
    ------
    InputError
        If there is no period, a lead is folded, the blocks do not fit, or a number or ω is not positive.
    """
    numbers = list(counts)
    start, stop = _whole(junction, period)
    _check(junction, between, numbers, (start, stop))
    w = angular_frequencies(omega)
    shape = points_shape(w, *junction.leading, between.shape[:-2])
    omega2 = np.broadcast_to(w, shape)[..., None, None] ** 2
    gamma = _stiffness(junction)
    hops = junction.hopping[1:]

    def elements(first: int, after: int) -> list[_S]:
        pairs = zip(junction.onsite[first:after], hops[first:after], strict=True)
        return [_element(onsite, hopping, omega2, gamma) for onsite, hopping in pairs]

    first = _element(np.zeros_like(junction.left.onsite), junction.hopping[0], 0.0 * omega2, gamma)
    head = _joined([first, *elements(0, start)])
    inner = elements(start, stop - 1)
    once = _joined([*inner, _element(junction.onsite[stop - 1], between, omega2, gamma)])
    end = _joined([*inner, *elements(stop - 1, len(junction.onsite))])
    ends = [self_energies(lead, w) for lead in (junction.left, junction.right)]
    sigma = (ends[0].left, ends[1].right)
    found = []
    for number in numbers:
        if number == 0:
            whole = _star(head, _joined(elements(stop, len(junction.onsite))))
        elif number == 1:
            whole = _star(head, end)
        else:
            whole = _star(head, _star(_power(once, number - 1), end))
        found.append(_closed(whole, junction, sigma, omega2, gamma))
    return np.array(found).reshape(len(numbers), *shape)


def channels_of_periods(
    junction: Junction, between: Complexes, omega: ArrayLike, *, period: tuple[int, int] | None = None
) -> Floats:
    """Count the waves that run along the endless superlattice of the periods, one way.

    Parameters
    ----------
    junction, between, omega, period
        As in :func:`transmission_of_periods`; the leads play no part.

    Returns
    -------
    (...) ndarray
        Number of channels of its minibands.

    Raises
    ------
    InputError
        As there.
    """
    start, stop = _whole(junction, period)
    _check(junction, between, [1], (start, stop))
    w = angular_frequencies(omega)
    layers = (*junction.onsite[start:stop], *junction.hopping[start + 1 : stop], between)
    shape = points_shape(w, *(block.shape[:-2] for block in layers))
    omega2 = np.broadcast_to(w, shape)[..., None, None] ** 2
    hops = (*junction.hopping[start + 1 : stop], between)
    s = _joined(
        [
            _element(onsite, hopping, omega2, _stiffness(junction))
            for onsite, hopping in zip(junction.onsite[start:stop], hops, strict=True)
        ]
    )
    n = between.shape[-1]
    one = np.broadcast_to(np.eye(n), (*shape, n, n))
    zero = np.zeros_like(one)
    left = np.block([[s.s11, -one], [s.s21, zero]])
    right = np.block([[zero, s.s12], [-one, s.s22]])
    inverse = np.linalg.eigvals(np.linalg.solve(left - _SHIFT * right, right))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 is an infinite Bloch factor
        moduli = np.abs(_SHIFT + 1.0 / inverse)
    return np.asarray((np.abs(moduli - 1.0) < _ON_CIRCLE).sum(axis=-1) // 2, dtype=float)


def _whole(junction: Junction, period: tuple[int, int] | None) -> tuple[int, int]:
    return (0, len(junction.onsite)) if period is None else period


def _stiffness(junction: Junction) -> float:
    return max(float(np.abs(block).max()) for block in (*junction.onsite, *junction.hopping))


def _check(junction: Junction, between: Complexes, numbers: list[int], period: tuple[int, int]) -> None:
    if isinstance(junction.left, FoldedLead) or isinstance(junction.right, FoldedLead):
        raise InputError("periods need plain leads, but a lead is folded: write its lateral supercell out")
    if not junction.onsite:
        raise InputError("the junction must hold one period as its device, but has no device layer")
    if any(junction.massless):
        raise InputError("periods need a mass for every unknown, but a device layer has massless ones")
    start, stop = period
    if not 0 <= start < stop <= len(junction.onsite):
        raise InputError(
            f"`period` must name layers of the device, from 0 to {len(junction.onsite)}, but is {period}"
        )
    sizes = junction.sizes
    if between.shape[-2:] != (sizes[stop], sizes[start + 1]):
        raise InputError(
            f"`between` must be {(sizes[stop], sizes[start + 1])}, from the last layer of a period to the "
            f"first of the next, but is {between.shape[-2:]}"
        )
    least = 0 if stop < len(junction.onsite) and sizes[stop + 1] == sizes[start + 1] else 1
    if not numbers or any(int(number) != number or number < least for number in numbers):
        raise InputError(f"`counts` must be whole numbers from {least} up, but are {numbers[:10]}")


class _S:
    """Blocks of a scattering matrix: nodes 1 and 2, out of each for what comes in at each."""

    __slots__ = ("s11", "s12", "s21", "s22")

    def __init__(self, s11: Complexes, s12: Complexes, s21: Complexes, s22: Complexes) -> None:
        self.s11, self.s12, self.s21, self.s22 = s11, s12, s21, s22


def _element(onsite: Complexes, hopping: Complexes, omega2: Floats, gamma: float) -> _S:
    """S of a layer and its hopping to the next."""
    n, m = hopping.shape[-2:]
    shape = np.broadcast_shapes(onsite.shape[:-2], hopping.shape[:-2], omega2.shape[:-2])
    k = np.zeros((*shape, n + m, n + m), dtype=complex)
    k[..., :n, :n] = onsite - omega2 * np.eye(n)
    k[..., :n, n:], k[..., n:, :n] = hopping, adjoint(hopping)
    shift = 1j * gamma * np.eye(n + m)
    s = np.linalg.solve(k + shift, k - shift)  # functions of one matrix commute
    return _S(s[..., :n, :n], s[..., :n, n:], s[..., n:, :n], s[..., n:, n:])


def _star(a: _S, b: _S) -> _S:
    """Join two elements at the second node of one and the first of the other."""
    loop = np.eye(a.s22.shape[-1]) - a.s22 @ b.s11
    x = np.linalg.solve(loop, a.s21)
    y = -np.linalg.solve(loop, a.s22 @ b.s12)
    return _S(
        a.s11 + a.s12 @ b.s11 @ x,
        -a.s12 @ (b.s12 - b.s11 @ y),
        -b.s21 @ x,
        b.s22 - b.s21 @ y,
    )


def _joined(elements: list[_S]) -> _S:
    whole = elements[0]
    for element in elements[1:]:
        whole = _star(whole, element)
    return whole


def _power(period: _S, number: int) -> _S:
    """Star product of equal periods, by squares."""
    whole, square = None, period
    while True:
        if number & 1:
            whole = square if whole is None else _star(whole, square)
        number >>= 1
        if not number:
            assert whole is not None
            return whole
        square = _star(square, square)


def _closed(
    s: _S, junction: Junction, sigma: tuple[Complexes, Complexes], omega2: Floats, gamma: float
) -> Floats:
    """T of a stack between both leads."""
    n, m = junction.left.size, junction.right.size
    shape = np.broadcast_shapes(omega2.shape[:-2], s.s11.shape[:-2])
    whole = np.zeros((*shape, n + m, n + m), dtype=complex)
    whole[..., :n, :n], whole[..., :n, n:], whole[..., n:, :n], whole[..., n:, n:] = (
        s.s11,
        s.s12,
        s.s21,
        s.s22,
    )
    d = np.zeros_like(whole)
    d[..., :n, :n] = junction.left.onsite + sigma[0] - omega2 * np.eye(n)
    d[..., n:, n:] = junction.right.onsite + sigma[1] - omega2 * np.eye(m)
    one = np.eye(n + m)
    answer = (one - whole) / (2j * gamma)
    source = np.zeros((n + m, m))
    source[n:] = np.eye(m)
    g = answer @ np.linalg.solve(
        0.5 * (one + whole) + d @ answer, np.broadcast_to(source, (*shape, n + m, m))
    )
    across = g[..., :n, :]
    broad = [1j * (one_side - adjoint(one_side)) for one_side in sigma]
    return np.asarray(
        np.einsum("...ij,...jk,...kl,...il->...", broad[0], across, broad[1], across.conj()).real
    )
