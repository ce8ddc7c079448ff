# Rules of the xas steps.
