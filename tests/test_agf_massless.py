"""Unknowns without mass in leads and devices: eliminated where that is possible, carried where it is not."""

import numpy as np
import pytest

from latmm.agf import Junction, Lead, channels, green_function, lead_modes, scatter, transmission
from latmm.agf.fallback import fallback_states
from latmm.agf.forms import GENERAL, Forms
from latmm.agf.leads import Stack
from latmm.agf.modes import states

SPRING, STIFF, LINK, CHARGE = 1.0, 2.3, 0.9, 0.6


def chain(mass=1.0, charge=CHARGE):
    """Masses on springs, and a potential between each two that couples to the difference of both."""
    c = charge / np.sqrt(mass)
    onsite = np.array([[2.0 * SPRING / mass, c], [c, -STIFF]])
    hopping = np.array([[-SPRING / mass, 0.0], [-c, LINK]])
    return Lead(onsite, hopping, massless=1)


def squared(theta, mass=1.0, charge=CHARGE):
    """ω² of that chain: springs, and what the potentials carry to all distances."""
    source = charge**2 * abs(1.0 - np.exp(1j * theta)) ** 2
    return (2.0 * SPRING * (1.0 - np.cos(theta)) + source / (STIFF - 2.0 * LINK * np.cos(theta))) / mass


def slope(theta, mass=1.0):
    step = 1e-6
    return (squared(theta + step, mass) - squared(theta - step, mass)) / (2.0 * step)


@pytest.mark.parametrize("theta", [0.01, 0.3, 1.1, 2.0, 3.1])
def test_bloch_factor_and_velocity_of_the_chain_with_long_range(theta):
    omega = np.sqrt(squared(theta))
    found = lead_modes(chain(), omega)
    right = found.right
    assert right.propagating.tolist() == [True, False]
    assert right.bloch_factor[0] == pytest.approx(np.exp(1j * theta), abs=1e-10)
    assert right.group_velocity[0] == pytest.approx(slope(theta) / (2.0 * omega), rel=1e-6)
    u = right.vectors[:, 0]
    assert 2.0 * omega * right.group_velocity[0] * abs(u[0]) ** 2 == pytest.approx(1.0)
    assert channels(chain(), omega) == 1


def random_lead(rng, n, still):
    """A stable lead whose unknowns without mass couple within their layer only; and the same without them."""

    def matrix(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    hopping = 0.5 * matrix(n, n)
    onsite = matrix(n, n)
    onsite = onsite + onsite.conj().T + 8.0 * np.eye(n)
    link, own = matrix(still, n), matrix(still, still)
    own = -(own @ own.conj().T + np.eye(still))
    whole = np.block([[onsite, link.conj().T], [link, own]])
    wide = np.zeros((n + still, n + still), dtype=complex)
    wide[:n, :n] = hopping
    plain = onsite - link.conj().T @ np.linalg.solve(own, link)
    return Lead(whole, wide, massless=still), Lead(0.5 * (plain + plain.conj().T), hopping)


def test_unknowns_of_one_layer_can_be_eliminated_beforehand():
    """Leads and device with massless unknowns scatter as those without, mode by mode."""
    rng = np.random.default_rng(3)
    (left, left_plain), (right, right_plain) = random_lead(rng, 3, 2), random_lead(rng, 4, 1)
    (device, device_plain), join = random_lead(rng, 3, 2), rng.normal(size=(3, 3))
    last = rng.normal(size=(3, 4))

    def wide(block, rows, columns):
        full = np.zeros((rows, columns), dtype=complex)
        full[: block.shape[0], : block.shape[1]] = block
        return full

    whole = Junction(left, right, (device.onsite,), (wide(join, 5, 5), wide(last, 5, 5)), massless=(2,))
    plain = Junction(left_plain, right_plain, (device_plain.onsite,), (join, last))
    omega = np.linspace(2.2, 3.6, 40)
    found, wanted = transmission(whole, omega), transmission(plain, omega)
    assert (wanted.transmission > 0.1).any()
    np.testing.assert_array_equal(found.channels_left, wanted.channels_left)
    np.testing.assert_array_equal(found.channels_right, wanted.channels_right)
    np.testing.assert_allclose(found.transmission, wanted.transmission, atol=1e-10)
    np.testing.assert_allclose(found.caroli, wanted.caroli, atol=1e-10)
    np.testing.assert_allclose(
        scatter(whole, omega).left.right.group_velocity[:, :3].max(1),
        scatter(plain, omega).left.right.group_velocity.max(1),
        atol=1e-9,
    )
    greens = [green_function(j, omega, eta=0.05) for j in (whole, plain)]
    for first, second in zip(*(g.diagonal for g in greens), strict=True):
        n = second.shape[-1]
        np.testing.assert_allclose(first[..., :n, :n], second, atol=1e-10)


def step(light, heavy):
    """Two chains of equal springs and potentials joined."""
    hopping = light.hopping.copy()
    hopping[0, 0] *= np.sqrt((light.onsite[0, 0] / heavy.onsite[0, 0]).real) ** -1
    hopping[1, 0] = heavy.hopping[1, 0]
    hopping[0, 0] = -np.sqrt((light.onsite[0, 0] * heavy.onsite[0, 0]).real) / 2.0
    return Junction(light, heavy, (), (hopping,))


def folded(lead):
    """The same chain in principal layers of two masses; potentials last."""
    zero = np.zeros((2, 2), dtype=complex)
    order = [0, 2, 1, 3]
    onsite = np.block([[lead.onsite, lead.hopping], [lead.hopping.conj().T, lead.onsite]])
    hopping = np.block([[zero, zero], [lead.hopping, zero]])
    return Lead(onsite[order][:, order], hopping[order][:, order], massless=2)


def test_mass_step_is_unitary_and_perfect_without_a_step():
    omega = np.linspace(0.05, 1.2, 60)
    same = transmission(step(chain(), chain()), omega)
    np.testing.assert_allclose(same.transmission, same.channels_left, atol=1e-12)
    other = transmission(step(chain(), chain(3.0)), omega)
    assert other.unitarity.max() < 1e-12
    assert not other.retried.any()
    # long waves: 4r/(1 + r)², r = √3
    low = transmission(step(chain(), chain(3.0)), 1e-4).transmission
    assert low == pytest.approx(4.0 * np.sqrt(3.0) / (1.0 + np.sqrt(3.0)) ** 2, rel=1e-6)


@pytest.mark.parametrize("off", [0.0, 1e-10, 1e-7, 1e-4])
def test_bands_that_cross_by_folding_keep_their_directions(off):
    """At q = π/2 both directions of the folded chain share λ = −1; the transmission is that of the chain."""
    omega = np.sqrt(squared(0.5 * np.pi)) * (1.0 + off)
    plain = step(chain(), chain(2.0))
    light, heavy = folded(plain.left), folded(plain.right)
    hopping = light.hopping.copy()
    hopping[np.ix_([1, 3], [0, 2])] = plain.hopping[0]
    found = transmission(Junction(light, heavy, (), (hopping,)), omega)
    assert found.transmission == pytest.approx(float(transmission(plain, omega).transmission), abs=1e-9)
    assert found.channels_left == 1


def test_fallback_solver_finds_the_same_states():
    rng = np.random.default_rng(8)
    for lead in (random_lead(rng, 4, 2)[0], folded(chain())):
        for omega in (0.7, 1.3, 2.9):
            raw = fallback_states(lead.onsite[None], lead.hopping[None], np.array([omega**2]), lead.massless)
            fast = states(Stack.of(lead, (1,)), slice(0, 1), np.array([omega**2]), "fast")
            assert raw.sound.all()
            np.testing.assert_array_equal(raw.propagating, fast.propagating)
            np.testing.assert_allclose(raw.bloch[raw.propagating], fast.bloch[fast.propagating], atol=1e-9)


def test_real_and_mirror_forms_hold_with_potentials():
    """A chain is its own mirror image if the potential sits on the mass; the half-size problem is found."""
    c = CHARGE
    onsite = np.array([[2.0, 0.0], [0.0, -STIFF]])
    hopping = np.array([[-1.0, c], [-c, LINK]])  # forces from the potentials on both sides
    lead = Lead(onsite, hopping, massless=1)
    forms = Forms.of(lead.onsite[None], lead.hopping[None], 1)
    assert forms.best[0] != GENERAL
    assert forms.best[0] != forms.full[0]
    theta = np.array([0.4, 1.0, 2.2])
    exact = 2.0 - 2.0 * np.cos(theta) + (2.0 * c * np.sin(theta)) ** 2 / (STIFF - 2.0 * LINK * np.cos(theta))
    found = lead_modes(lead, np.sqrt(exact))
    nearest = np.abs(found.right.bloch_factor - np.exp(1j * theta)[:, None]).min(1)
    mirrored = np.abs(found.left.bloch_factor - np.exp(1j * theta)[:, None]).min(1)
    assert np.minimum(nearest, mirrored).max() < 1e-10
