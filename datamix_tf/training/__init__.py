"""How networks are trained: curriculum, distillation, adversaries, removal of signal content."""
