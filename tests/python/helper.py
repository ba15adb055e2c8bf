"""What the tests of lib/python share: the programs of the build, and files that they made."""

import os
import subprocess
import tempfile
import unittest


def run(command, **more):
    """The standard output of a shell command."""
    return subprocess.run(["bash", "-eo", "pipefail", "-c", command], check=True, stdout=subprocess.PIPE, **more).stdout


def refused(command):
    """Does the shell command fail with exit status 1?"""
    return subprocess.run(["bash", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 1


class InFolder(unittest.TestCase):
    """Each test runs in a fresh folder with ratings of 60 users and 80 items, split."""

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory()
        run("planted -q --users 60 --items 80 --ratings 1100 >u.data && "
            "ml-split -q --test test-ratings.cof --user-ids users.tsv --item-ids items.tsv u.data >rating.cof && "
            "binarize -q rating.cof >interaction.cof && binarize -q test-ratings.cof >test.cof && "
            "awk -v OFS='\t' '{ print $1, \"x\" $2 }' items.tsv >other.tsv", cwd=cls.made.name)

    @classmethod
    def tearDownClass(cls):
        cls.made.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        os.chdir(self.folder.name)
        for name in os.listdir(self.made.name):
            os.link(os.path.join(self.made.name, name), name)

    def tearDown(self):
        os.chdir("/")
        self.folder.cleanup()
