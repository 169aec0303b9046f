# Shortcuts; what they do lives in scripts/. Nothing needs make.
.PHONY: install test lint format lock bench schema arm-emulated docs dist audit
bin := .venv/bin

install:
	sh scripts/install.sh

test:
	sh scripts/test.sh

lint: install
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy

format: install
	$(bin)/ruff check --fix
	$(bin)/ruff format

lock: install
	$(bin)/python scripts/lock.py

schema: install
	$(bin)/python scripts/schema.py

# What the harness itself costs, beside llama.cpp's own llama-bench around the same libraries.
bench: install
	$(bin)/python -m scripts.build_llama_bench
	$(bin)/pytest -m bench --benchmark-enable -s tests/benchmarks

# edgebench on emulated ARM CPUs, every variant verified and its instructions counted: docs/arm.md.
arm-emulated: install
	$(bin)/python -m scripts.arm.emulate

# The documentation as a site: build/docs/index.html.
docs: install
	$(bin)/python -m scripts.schema
	$(bin)/python -m scripts.reference
	$(bin)/mkdocs build --strict

# What a release consists of, in dist/: checked, and the same bytes from the same commit.
dist: install
	$(bin)/python -m scripts.release

# Known vulnerabilities of everything that is locked; says so where none could be looked up.
audit: install
	$(bin)/python -m scripts.audit
