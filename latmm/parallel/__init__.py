"""Who does the work: this process, processes on this machine, or Dask workers."""
