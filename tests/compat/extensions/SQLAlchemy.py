import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def compiled():
    if sa.__version__ < "2.1":
        from sqlalchemy.cyextension import collections as module
    else:
        from sqlalchemy.util import _collections_cy as module
    return module.__file__.endswith(".so")


def work():
    assert compiled()
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(User(name=f"user {i}") for i in range(100))
        session.commit()
        names = session.scalars(sa.select(User.name).where(User.id > 90).order_by(User.id.desc())).all()
        assert names[0] == "user 99" and len(names) == 10
        assert session.execute(sa.select(sa.func.count(User.id))).scalar_one() == 100
    engine.dispose()
