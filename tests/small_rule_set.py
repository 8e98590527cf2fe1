"""A whole rule set of one factor, small enough to count its lines, for tests that change one thing in it."""

SMALL_RULE_SET = """\
factors:
  - id: plank
    title: How long a plank is held
    feature: plank_seconds
    worse_when: lower
    modifiable: true
    group: plank
    joints: {knee: {grade: low, weight: 0.5}}
    bands:
      - {from: 0, share: 0.25, ratio: 2, low: 1.5, high: 2.50, register_row: plank_short}
      - {from: 60, reference: true, share: 0.75}
    shares_from: assumed
    evidence: {measure: HR, outcome: any, sources: [doe-2020], checked_on: "2026-11-23"}
    limits: {en: Made up, de: Erfunden}
levels:
  cuts: [{id: low, from: 0, headline: Less}, {id: high, from: 50, headline: More}]
  known_share_floor: 0.3
advice:
  - id: hold_longer
    category: strength
    joints: [knee]
    when: [{factor: plank, in: raised}]
    sets: {plank: reference}
    text: Hold it longer.
    basis: association
    evidence: low
    sources: [doe-2020]
flags: []
benefits: []
sources:
  doe-2020: {citation: Doe 2020}
rates:
  first_year:
    title: beginners
    joints: {knee: {average: 2, low: 1, high: 3}, lower_back: {average: 2, low: 1, high: 3}}
  experienced:
    title: others
    joints: {knee: {average: 2, low: 1, high: 3}, lower_back: {average: 2, low: 1, high: 3}}
  unknown_experience_title: runners
  sources: [doe-2020]
texts:
  notice: Made up.
  joints: {knee: Knee, lower_back: Back}
  headline_not_assessed: Nothing.
  finding_first_year: First year.
"""
