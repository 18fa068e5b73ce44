"""The relying parties: who may ask (registry), how they ask (sdk), two that do (portals)."""
