import tokenizers
from tokenizers import models, pre_tokenizers, trainers


def work():
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    texts = ["low lower lowest", "new newer newest", "wide wider widest"] * 20
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=60, special_tokens=["[UNK]"], show_progress=False))
    encoded = tokenizer.encode("lower newest")
    assert "".join(encoded.tokens) == "lowernewest" and encoded.offsets[-1][1] == 12
    again = tokenizers.Tokenizer.from_str(tokenizer.to_str())
    assert [e.ids for e in again.encode_batch(texts)] == [tokenizer.encode(text).ids for text in texts]
