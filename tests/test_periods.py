"""N periods between two leads: scattering matrices against one large device, closed forms, stop bands."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from systems import Chain, atom_between, atom_between_transmission

from latmm.agf import Junction, Lead, channels, transmission
from latmm.agf.periods import transmission_of_periods
from latmm.errors import InputError
from latmm.lattice.dynamics import largest_frequency
from latmm.units import TWO_PI

COUNTS = (1, 2, 4, 8, 16)
K = np.array([[0.03, 0.02], [0.21, 0.37], [0.44, 0.1]])


def written_out(junction: Junction, between, number: int) -> Junction:
    """The stack as one large device."""
    period = junction.hopping[1:-1]
    hopping = (junction.hopping[0], *((*period, between) * (number - 1)), *period, junction.hopping[-1])
    return Junction(junction.left, junction.right, junction.onsite * number, hopping)


@pytest.fixture(scope="module")
def superlattice(heavy_silicon):
    """Periods of two layers of silicon of germanium's mass and two of silicon between leads of silicon."""
    single = heavy_silicon.junction(K)
    silicon, heavy = single.left, single.right
    step = (silicon.hopping.shape[-1] and np.sqrt(28.085 / 72.63)) * silicon.hopping  # one of both masses
    onsite = (heavy.onsite, heavy.onsite, silicon.onsite, silicon.onsite)
    hopping = (step, heavy.hopping, step, silicon.hopping, silicon.hopping)
    return Junction(silicon, silicon, onsite, hopping), step


@pytest.fixture(scope="module")
def omega(heavy_silicon):
    return TWO_PI * largest_frequency(heavy_silicon.right) * np.linspace(0.05, 1.3, 23)


def test_periods_are_one_large_device(superlattice, omega):
    """N = 1, 2, 4, 8, 16 of a silicon superlattice, to 1e-8."""
    junction, between = superlattice
    found = transmission_of_periods(junction, between, COUNTS, omega)
    assert found.shape == (5, 3, 23)
    for number, one in zip(COUNTS, found, strict=True):
        whole = transmission(written_out(junction, between, number), omega).transmission
        assert_allclose(one, whole, rtol=0, atol=1e-8)
    assert found.max() > 2.0


def test_no_transmission_where_the_superlattice_has_no_modes(superlattice, omega):
    """Stop bands of the infinite superlattice: T falls with N; elsewhere its channels bound T."""
    junction, between = superlattice
    n = between.shape[-1]
    layers = junction.onsite
    shape = np.broadcast_shapes(*(block.shape[:-2] for block in (*layers, *junction.hopping)))
    h0, h1 = (np.zeros((*shape, 4 * n, 4 * n), dtype=complex) for _ in range(2))
    for i, block in enumerate(layers):
        h0[..., i * n : (i + 1) * n, i * n : (i + 1) * n] = block
    for i, block in enumerate(junction.hopping[1:-1]):
        h0[..., i * n : (i + 1) * n, (i + 1) * n : (i + 2) * n] = block
        h0[..., (i + 1) * n : (i + 2) * n, i * n : (i + 1) * n] = block.conj().swapaxes(-1, -2)
    h1[..., 3 * n :, :n] = between
    modes = channels(Lead(h0, h1), omega)
    few, many = transmission_of_periods(junction, between, (4, 64), omega)
    stopped = modes == 0
    assert (stopped & (few > 0)).sum() >= 3
    assert np.all(many[stopped] < np.maximum(1e-3 * few[stopped], 1e-12))
    leads = channels(junction.left, omega)
    assert np.all(many <= np.minimum(modes, leads) + 1e-3)
    assert many[~stopped & (leads > 0)].max() > 0.5


@pytest.mark.parametrize("part", [0.1, 0.35, 0.55, 0.8])
def test_heavy_atoms_in_a_chain_transmit_by_the_closed_form(part):
    """1/T_N = 1 + (1/T₁ − 1) sin²(Nφ)/sin²φ, φ the Bloch phase of the chain of both masses.

    cos φ = 1 − m M [2K(1/m + 1/M) ω² − ω⁴]/(2K²); in its gap φ is complex.
    """
    light, mass = Chain(1.0), 3.0
    omega = part * light.top
    atom = atom_between(light, mass, light)
    period = Junction(
        atom.left, atom.right, (*atom.onsite, light.lead().onsite), (*atom.hopping, light.lead().hopping)
    )
    once = atom_between_transmission(light, mass, light, omega)
    cosine = 1 - mass / 2 * (2 * (1 + 1 / mass) * omega**2 - omega**4) + 0j
    phase = np.arccos(cosine)
    numbers = (1, 2, 3, 7, 20)
    found = transmission_of_periods(period, atom.hopping[0], numbers, omega)
    expected = [
        1 / (1 + (1 / once - 1) * (np.sin(number * phase) / np.sin(phase)) ** 2).real for number in numbers
    ]
    assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_periods_of_the_lead_itself_transmit_every_channel(superlattice, omega):
    lead = superlattice[0].left
    junction = Junction(lead, lead, (lead.onsite,), (lead.hopping, lead.hopping))
    found = transmission_of_periods(junction, lead.hopping, (1, 1000), omega)
    assert_allclose(found, np.broadcast_to(channels(lead, omega), found.shape), atol=1e-7)


def test_a_period_is_some_layers_of_the_device(superlattice):
    junction, between = superlattice
    for period in ((1, 1), (1, 0), (-1, 1), (0, len(junction.onsite) + 1)):
        with pytest.raises(InputError, match="must name layers of the device"):
            transmission_of_periods(junction, between, (1,), 1.0, period=period)


def test_what_makes_no_stack_is_refused(superlattice):
    junction, between = superlattice
    empty = Junction(junction.left, junction.right, (), (junction.hopping[-1],))
    for one, hop, counts, message in (
        (empty, between, (1,), "one period"),
        (junction, between[..., :2], (1,), "`between` must be"),
        (junction, between, (0,), "from 1 up"),
        (junction, between, (), "from 1 up"),
    ):
        with pytest.raises(InputError, match=message):
            transmission_of_periods(one, hop, counts, 1.0)
