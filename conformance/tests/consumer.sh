#!/bin/sh
# ci/consumer, as action.yml calls it: each input, and each exit status with its reason.
# usage: consumer.sh PMKIT ZOO TOP
set -u
PMKIT=$1 zoo=$2 top=$3
export PMKIT
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
wrong=0
command -v bash >/dev/null || { echo "skip: no bash" && exit 77; }
"$PMKIT" run swap-heavy -- true 2>why || { echo "skip: $(tail -n 1 why)" && exit 77; }

# step STATUS TEXT INPUT=VALUE...: the action's one step with these inputs.
step() {
	status=$1 text=$2
	shift 2
	rm -rf pagemapkit-reports
	env "$@" GITHUB_STEP_SUMMARY="$dir/summary" sh -c "$run" >out 2>&1
	rc=$?
	if [ "$rc" -ne "$status" ] || ! grep -q -e "$text" out; then
		echo "FAIL: $*: exit $rc, expected $status and '$text':"
		cat out
		wrong=1
	fi
}
report() {
	for name; do
		[ -s "pagemapkit-reports/$name" ] || { echo "FAIL: no report $name" && wrong=1; }
	done
}

# The step is what stands in action.yml, and every input of it gets there.
run=$(sed -n "s/^ *run: '\(.*\)'/\1/p" "$top/action.yml")
GITHUB_ACTION_PATH=$top
export GITHUB_ACTION_PATH
sed -n '/^inputs:/,/^runs:/s/^  \([a-z]*\):$/\1/p' "$top/action.yml" >inputs
while read -r input; do
	name=INPUT_$(echo "$input" | tr '[:lower:]' '[:upper:]')
	if ! grep -q "$name: \${{ inputs.$input }}" "$top/action.yml" || ! grep -q "$name" "$top/ci/consumer"; then
		echo "FAIL: input $input does not reach ci/consumer" && wrong=1
	fi
done <inputs
if [ ! -s inputs ] || [ -z "$run" ]; then echo "FAIL: action.yml has no inputs or no step" && wrong=1; fi

step 2 'nothing to do'
two='INPUT_SCENARIOS=swap-heavy guard-pages'
step 0 '2 of 2 scenarios without failure' "$two" INPUT_COMMAND='cat /proc/self/maps'
report swap-heavy.txt guard-pages.txt
grep -q '0 of 2 scenarios failed' summary || { echo "FAIL: no summary" && wrong=1; }
step 1 'not ok  guard-pages: exit 3' "$two" INPUT_COMMAND='exit 3'
step 1 'not ok  guard-pages: exit 2' "$two" INPUT_COMMAND='exit 2'
step 1 'not ok  guard-pages: exit 139' "$two" INPUT_COMMAND='kill -SEGV $$'
# A command's own 77 is a failure; that of pmkit, which could not run it, is none.
step 1 'not ok  guard-pages: exit 77' "$two" INPUT_COMMAND='exit 77'
cat >cannot <<-'EOF'
	#!/bin/sh
	echo "cannot" >&2
	exit 77
EOF
chmod +x cannot
step 77 'skipped guard-pages: cannot' "$two" INPUT_COMMAND=true PMKIT="$dir/cannot"
step 1 'not ok  no-such-scenario' INPUT_SCENARIOS=no-such-scenario INPUT_COMMAND=true

step 0 'right: 100.0 %' INPUT_ADAPTER="'$zoo' right"
report grade.xml grade.html grade.json grade.txt
step 1 'MISS   E-B55' INPUT_ADAPTER="'$zoo' soft_dirty_54"
clauses=$(sed -n 's/^MISS *\([^ ]*\) .*/\1/p' out)
for clause in $clauses; do echo "$clause known"; done >waivers
step 0 'waived E-B55' INPUT_ADAPTER="'$zoo' soft_dirty_54" INPUT_WAIVERS=waivers
step 1 'is waived, but has no miss' INPUT_ADAPTER="'$zoo' right" INPUT_WAIVERS=waivers
step 2 'nowhere: No such file' INPUT_ADAPTER="'$zoo' right" INPUT_WAIVERS=nowhere
step 1 'not ok' INPUT_ADAPTER="'$zoo' right" INPUT_COMMAND=false INPUT_SCENARIOS=swap-heavy
step 0 'without failure' INPUT_COMMAND=true INPUT_SCENARIOS=swap-heavy INPUT_REPORTS=elsewhere
[ -e elsewhere/swap-heavy.txt ] || { echo "FAIL: INPUT_REPORTS" && wrong=1; }
exit "$wrong"
