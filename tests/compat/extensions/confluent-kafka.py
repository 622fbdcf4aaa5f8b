import confluent_kafka
from confluent_kafka.admin import AdminClient, NewTopic


def work():
    assert confluent_kafka.libversion()[0] and NewTopic("a", 3).num_partitions == 3
    errors = []
    producer = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 300, "log_level": 0,
                                         "error_cb": errors.append})  # fmt: skip
    failed = []
    producer.produce("topic", b"value", b"key", callback=lambda error, message: failed.append((error.code(), message.value())))
    producer.flush(10)
    assert failed == [(confluent_kafka.KafkaError._MSG_TIMED_OUT, b"value")]
    partition = confluent_kafka.TopicPartition("topic", 1, 5)
    assert (partition.topic, partition.partition, partition.offset) == ("topic", 1, 5)
    AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}).poll(0)
    try:
        confluent_kafka.Consumer({"nonsense": 1, "group.id": "a"})
    except confluent_kafka.KafkaException:
        pass
    else:
        raise AssertionError("a wrong setting was taken")
