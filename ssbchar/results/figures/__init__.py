"""Figures: each module turns Datasets of one technique into drawings, and computes nothing new."""
