import pickle

from bitarray import bitarray, decodetree, util


def work():
    bits = bitarray("1101") * 250
    assert len(bits) == 1000 and bits.count() == 750 and bits.find(bitarray("0")) == 2
    assert (bits ^ bits).any() is False and pickle.loads(pickle.dumps(bits)) == bits
    assert util.ba2int(bitarray("1010")) == 10 and util.hex2ba("f0").to01() == "11110000"
    code = util.huffman_code({"a": 5, "b": 2, "c": 1})
    packed = bitarray()
    packed.encode(code, "abcab")
    assert "".join(packed.decode(code)) == "".join(packed.decode(decodetree(code))) == "abcab"
