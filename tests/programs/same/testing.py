"""unittest.main and doctest on __main__."""
import doctest
import sys
import unittest


def double(x):
    """
    >>> double(2)
    4
    """
    return x * 2


class Test(unittest.TestCase):
    def test_right(self):
        self.assertEqual(double(2), 4)

    @unittest.expectedFailure
    def test_wrong(self):
        with self.subTest(i=1):
            self.assertEqual(double(2), 5)

    @unittest.skip("no")
    def test_skipped(self):
        pass


if __name__ == "__main__":
    print(doctest.testmod())
    result = unittest.main(exit=False, testRunner=unittest.TextTestRunner(stream=open("/dev/null", "w"))).result
    print(result)
    sys.stdout.flush()
    unittest.main(testRunner=unittest.TextTestRunner(stream=open("/dev/null", "w")), argv=["x", "Test.test_no_such"])
