"""How many tokens Chinese text takes: short sentences of our own, by each model's own tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.measure.experiments import asking
from edgebench.schema.experiment import Point

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.measure.experiments import World
    from edgebench.models.prepared import Prepared

# Han characters alone: punctuation would be counted as half a word.
SENTENCES = (
    "今天早上河边有很多人在散步",
    "请把窗户打开让房间透透气",
    "这台机器每小时可以处理一千份文件",
    "孩子们在学校里学习音乐和绘画",
    "我们计划明年春天去北方旅行",
    "仓库里的温度不能超过十五度",
    "他用一块小小的电路板运行语言模型",
    "火车因为大雪晚到了两个小时",
    "老师让大家把答案写在纸上",
    "新的价格从下个月开始生效",
    "这本书讲述了一个渔村的故事",
    "传感器每隔十秒发送一次数据",
)


class TokenCounts:
    """Settings: `model`, `quant` (Q4_0). One block says everything: nothing varies."""

    kind = "token-counts"
    version = 1

    def why_not(self, world: World) -> str | None:
        return world.probe("llama.cpp").why_not

    def files(self, world: World) -> Sequence[Prepared]:
        return [world.chosen("Q4_0")]

    def block_s(self, world: World) -> float:  # noqa: ARG002
        return 1.0 * len(SENTENCES)

    def block(self, world: World, index: int, rng: random.Random) -> Sequence[Point]:  # noqa: ARG002
        """Raises NotUsableHere without the engine, or for a file without a tokenizer."""
        (file,) = self.files(world)
        return [
            Point(
                condition={"sentence": place, "file": file.facts.sha256},
                values={
                    "tokens": len(asking.tokens_of(world, file.path, sentence)),
                    "characters": len(sentence),
                    "bytes": len(sentence.encode()),
                },
            )
            for place, sentence in enumerate(SENTENCES)
        ]
