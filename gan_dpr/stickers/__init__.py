"""Stickers: what a layered generator draws before it is laid on a background, finished for chats.

`alone` gets the object out of the generator, `finish` gives it an outline and a shadow, `targets` knows what chats
accept, and `pack` puts several into a zip.
"""
