"""A survey of one page, written into a temporary workspace: what tests of the whole way run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

YAML = """\
survey: small-town
title: {zh: 小城调查, en: Small town survey}
publisher: {zh: 小城统计站, en: Small town statistics}
population: {zh: 小城居民, en: Residents of the small town}
method: {zh: 电话访问, en: Telephone interviews}
simulated: true
languages: [zh, en]
blocks:
  safety: {zh: 安全感, en: Sense of security}
scales:
  yes_no: {levels: {1: {zh: 是, en: 'Yes'}, 2: {zh: 否, en: 'No'}}, missing: {8: dont_know, 9: refused}, positive: [1]}
  sex: {levels: {1: {zh: 男, en: Men}, 2: {zh: 女, en: Women}}, ordered: false}
  district: {levels: {1: {zh: 东区, en: East}, 2: {zh: 西区, en: West}, 3: {zh: 北区, en: North}}, ordered: false}
items:
  person: {kind: code}
  name: {kind: identifier}
  phone: {kind: identifier}
  remark: {kind: text, block: safety, text: {zh: 您还有什么意见？, en: 'Anything else?'}, label: {zh: 意见, en: Note}}
  district: {scale: district, required: true, label: {zh: 区, en: District}}
  community: {kind: code, required: true}
  sex: {scale: sex, required: true, label: {zh: 性别, en: Sex}}
  age: {kind: number, range: [16, 110], label: {zh: 年龄, en: Age}}
  weight_in: {kind: number, range: [0, 1000]}
  safe: {scale: yes_no, block: safety, text: {zh: 您觉得安全吗？, en: 'Are you safe?'}, label: {zh: 安全, en: Safe}}
  lights: {scale: yes_no, block: safety, text: {zh: 路灯够亮吗？, en: 'Is it lit?'}, label: {zh: 路灯, en: Lights}}
derived:
  remarks:
    recipe: themes
    of: remark
    themes:
      lighting: {label: {zh: 照明, en: Lighting}, words: [路灯, 太暗, street light]}
      noise: {label: {zh: 噪音, en: Noise}, words: [噪音, 太吵, noise]}
      other: {label: {zh: 其他, en: Other}}
  lit: {recipe: any, of: lights, levels: [1], label: {zh: 路灯够亮, en: Street is lit}}
indicators:
  feels_safe:
    recipe: share
    of: safe
    levels: [1]
    label: {zh: 感到安全, en: Feels safe}
    definition: {zh: 回答“是”的比例, en: Share answering yes}
respondent: person
design: {strata: [district], psu: [community], lonely_psu: fail}
weighting: {base: weight_in, rake: [sex, district]}
privacy: {pseudonyms: [person, community], quasi_identifiers: [sex, district]}
report:
  headline: [feels_safe]
  area: district
  groups: [sex]
  models:
    safe: {outcome: feels_safe, terms: [lit, sex], label: {zh: 谁感到安全, en: Who feels safe}}
waves:
  w1:
    file: w1.csv
    fieldwork: {start: 2026-04-01, end: 2026-04-30}
"""

MARGINS = "wave,margin,level,total\n,sex,1,5000\n,sex,2,5200\n,district,1,4000\n,district,2,3200\n,district,3,3000\n"


REMARKS = ("", "", "路灯太暗", "楼下太吵，请找王女士1380013{:04d}", "Noise and no street lights", "", "没有意见")


def frame(n: int = 360, seed: int = 1) -> pd.DataFrame:
    """A clean delivery: 3 districts of 4 communities each."""
    rng = np.random.default_rng(seed)
    community = np.arange(n) % 12
    lights = rng.integers(1, 3, n)
    return pd.DataFrame(
        {
            "person": [f"P{i:04d}" for i in range(n)],
            "name": [f"张{chr(0x4E00 + i)}" for i in range(n)],
            "phone": [f"1380013{i:04d}" for i in range(n)],
            "remark": [REMARKS[i % len(REMARKS)].format(i) for i in range(n)],
            "district": community // 4 + 1,
            "community": [f"C{value:02d}" for value in community],
            "sex": rng.integers(1, 3, n),
            "age": rng.integers(16, 90, n),
            "weight_in": rng.uniform(10, 40, n).round(3),
            "safe": np.where(rng.random(n) < np.where(lights == 1, 0.85, 0.6), 1, 2),
            "lights": lights,
        }
    ).astype(str)


def write(root: Path, yaml: str = YAML, delivery: pd.DataFrame | bytes | None = None, margins: str = MARGINS) -> Path:
    """Lay the survey out below a root folder; returns its folder."""
    folder = root / "data" / "raw" / "small-town"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "survey.yaml").write_text(yaml, encoding="utf-8")
    (folder / "margins.csv").write_text(margins, encoding="utf-8")
    content = frame() if delivery is None else delivery
    if isinstance(content, pd.DataFrame):
        content.to_csv(folder / "w1.csv", index=False, encoding="utf-8")
    else:
        (folder / "w1.csv").write_bytes(content)
    return folder
