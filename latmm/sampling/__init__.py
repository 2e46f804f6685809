"""Where to sample: meshes of k∥ and frequencies, rays in the long-wavelength limit, band edges."""
