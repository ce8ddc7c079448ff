# Rules of the nmr steps.
