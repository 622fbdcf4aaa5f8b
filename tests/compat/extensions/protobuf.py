from google.protobuf import descriptor_pb2, json_format, struct_pb2, timestamp_pb2
from google.protobuf.internal import api_implementation


def work():
    assert api_implementation.Type() == "upb"
    file = descriptor_pb2.FileDescriptorProto(name="a.proto", package="a")
    for i in range(50):
        file.message_type.add(name=f"M{i}").field.add(name="f", number=i + 1)
    again = descriptor_pb2.FileDescriptorProto.FromString(file.SerializeToString())
    assert again == file and again.message_type[49].field[0].number == 50
    value = struct_pb2.Struct()
    value.update({"a": [1, "two", None], "b": {"c": True}})
    assert json_format.MessageToDict(value) == {"a": [1, "two", None], "b": {"c": True}}
    stamp = timestamp_pb2.Timestamp()
    stamp.FromJsonString("2024-02-29T12:00:00Z")
    assert stamp.seconds == 1709208000
