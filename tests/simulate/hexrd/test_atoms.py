"""Form factors against the number of electrons."""

import numpy as np

from ssbchar.simulate.hexrd import atoms


def test_forward_scattering_counts_all_electrons():
    for element, (z, _, _) in atoms.FORM_FACTORS.items():
        assert atoms.calculate_form_factor(element, np.array(0.0)) == z
        assert 0 < atoms.calculate_form_factor(element, np.array(0.5)) < z
