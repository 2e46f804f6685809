"""Junctions of sheets, ribbons, tubes and chains: conductance per width or per junction."""
