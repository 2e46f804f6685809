"""The sweep over k∥ and ω: where to sample, and the transmission of every sample."""
