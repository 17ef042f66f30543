"""The pictures of maps: panels of images, bars of shares, matrices of classes."""
