import io

import sentencepiece


def work():
    model = io.BytesIO()
    sentences = [f"this is sentence number {i} of a small text" for i in range(200)]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(sentences), model_writer=model, vocab_size=60,
                                             hard_vocab_limit=False, minloglevel=2)  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = processor.encode("this is a small text")
    assert processor.decode(ids) == "this is a small text" and len(processor.encode("this", out_type=str)) >= 1
    assert len(processor.encode(sentences)) == 200
