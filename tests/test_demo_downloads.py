import os
import time

from gan_dpr.demo.downloads import KEEP_SECONDS, new_file


def test_files_of_one_name_are_kept_apart_and_old_ones_swept():
    old, young = new_file("film.gif"), new_file("film.gif")
    for path in (old, young):
        path.write_text("x")
    assert old != young
    long_ago = time.time() - KEEP_SECONDS - 1
    os.utime(old.parent, (long_ago, long_ago))
    new_file("film.gif")
    assert not old.exists()
    assert young.read_text() == "x"
