"""From a configuration to blocks and jobs: what will be made, and what it costs."""
