"""What methods cost on one backbone: parameters, FLOPs, time, memory."""
