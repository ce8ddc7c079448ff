"""Writes `mrsimulator_spectra.npz`: powder spectra of spin 3/2, transition by transition.

Needs mrsimulator (1.0.0 made the file): python make_mrsimulator_spectra.py
"""

from pathlib import Path

import numpy as np

SETS = (
    # C_Q [Hz], eta, zeta of the shift [ppm], its eta, Euler angles [rad], spinning rate [Hz]
    (30e3, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0),
    (90e3, 0.3, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0),
    (60e3, 1.0, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0),
    (50e3, 0.4, 15.0, 0.6, (0.0, 0.0, 0.0), 0.0),
    (120e3, 0.1, -40.0, 0.2, (0.0, 0.0, 0.0), 0.0),
    (80e3, 0.6, 30.0, 0.8, (0.5, 0.9, 1.3), 0.0),
    (300e3, 0.2, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0),
    (60e3, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0), 10e3),
    (40e3, 0.5, 6.0, 0.3, (0.0, 0.0, 0.0), 24e3),
    (300e3, 0.3, 0.0, 0.0, (0.0, 0.0, 0.0), 30e3),
)
FIELDS = (18.8,) * 6 + (4.7, 18.8, 18.8, 4.7)
"""[T]; the second order of the coupling is largest at low field."""
LORENTZ, GAUSS = 800.0, 400.0
WIDTH, POINTS, FINE = 1e6, 1001, 100000
TRANSITIONS = ((-0.5, 0.5), (-1.5, -0.5), (0.5, 1.5))


def simulate(field, cq, eta, zeta, eta_s, angles, rate):
    from mrsimulator import Simulator, Site, SpinSystem
    from mrsimulator.method import Method, SpectralDimension, SpectralEvent
    from mrsimulator.method.query import TransitionQuery

    alpha, beta, gamma = angles
    site = Site(
        isotope="7Li",
        isotropic_chemical_shift=0.0,
        shielding_symmetric={
            "zeta": zeta,
            "eta": eta_s,
            "alpha": alpha,
            "beta": beta,
            "gamma": gamma,
        },
        quadrupolar={"Cq": cq, "eta": eta},
    )
    spectra = []
    for start, final in TRANSITIONS:
        d = final**2 - start**2
        method = Method(
            channels=["7Li"],
            magnetic_flux_density=field,
            rotor_frequency=rate if rate else 0.0,
            rotor_angle=0.9553166181245092 if rate else 0.0,
            spectral_dimensions=[
                SpectralDimension(
                    count=FINE,
                    spectral_width=WIDTH,
                    events=[
                        SpectralEvent(
                            transition_queries=[TransitionQuery(ch1={"P": [-1], "D": [d]})]
                        )
                    ],
                )
            ],
        )
        sim = Simulator(spin_systems=[SpinSystem(sites=[site])], methods=[method])
        sim.config.integration_volume = "hemisphere"
        sim.config.integration_density = 160
        sim.config.number_of_sidebands = 256
        sim.run()
        larmor = method.channels[0].larmor_freq(B0=field)
        frequency = (np.arange(FINE) - FINE // 2) * WIDTH / FINE
        bins = np.asarray(sim.methods[0].simulation.y[0].components[0]).real
        spectra.append((frequency, bins, abs(larmor)))
    return spectra


def broaden(frequency, bins):
    """The spectrum of unit area, broadened, on a coarse even axis."""
    step = frequency[1] - frequency[0]
    time = np.fft.fftfreq(bins.size, step)
    decay = np.exp(-np.pi * LORENTZ * np.abs(time) - (np.pi * GAUSS * time) ** 2 / (4 * np.log(2)))
    # Bins are means over their width.
    decay /= np.sinc(time * step)
    smooth = np.fft.ifft(np.fft.fft(bins) * decay).real
    coarse = np.linspace(-0.1, 0.1, POINTS) * WIDTH * 2
    return np.interp(coarse, frequency, smooth / (smooth.sum() * step)), coarse


if __name__ == "__main__":
    stored = {}
    rows = []
    for i, one in enumerate(SETS):
        spectra = simulate(FIELDS[i], *one)
        for k, (frequency, bins, _) in enumerate(spectra):
            curve, coarse = broaden(frequency, bins)
            stored[f"set{i}_transition{k}"] = curve.astype(np.float32)
        rows.append([*one[:4], *one[4], one[5], spectra[0][2]])
    stored["parameters"] = np.array(rows)
    stored["frequency"] = coarse
    stored["broadening"] = np.array([LORENTZ, GAUSS])
    np.savez_compressed(Path(__file__).with_name("mrsimulator_spectra.npz"), **stored)
