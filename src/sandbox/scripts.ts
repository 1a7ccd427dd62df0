/**
 * The shell scripts that stand between the runtime and a program. They are trusted, and nothing of a program or an agent is
 * ever part of their text: what varies comes as arguments and environment.
 *
 * Descriptors: 3 in, control: anything, or its end, stops the program. 4 out, the archive of the files afterwards. 5 out, a
 * line `ready` when the program is about to start, a line `exit CODE` when it has ended.
 */

/**
 * Closes what the runtime inherited from whoever started it: a program must not have it. Then limits, which nobody in
 * there can raise again, and the program itself.
 */
export const LIMITED = `
ulimit -c 0 && ulimit -u "$1" && ulimit -n "$2" && ulimit -f "$3" && ulimit -d "$4" && ulimit -v "$5" \\
  && ulimit -St "$6" && ulimit -Ht "$(($6 + 1))" || exit 125
echo 1000 2>/dev/null >/proc/self/oom_score_adj
shift 6
exec nice -n 10 "$@"
`;

const CLOSE_INHERITED = `
for descriptor in /proc/self/fd/*; do
  descriptor=\${descriptor##*/}
  if [ "$descriptor" -gt 5 ]; then eval "exec $descriptor>&-"; fi
done
`;

/**
 * Runs as process 1 of a process namespace and in a mount namespace of its own. Makes the program's disk, a tmpfs of
 * limited size, with a copy of the files; runs the command; ends everything that is left in the namespace; and only
 * then, when nobody can change it any more, writes the archive.
 *
 * Environment: IN the files; MOUNT options of the disk; CGROUPS files to enter; OWNER uid:gid of the program, or empty; AS
 * the command that becomes it, or empty; BINDS what is shown of the machine, a path a line; FILTER a file
 * with the filter of system calls, on descriptor 8 of the command.
 */
export const NAMESPACED = `
set -eu
[ "$$" = 1 ] || exit 99
${CLOSE_INHERITED}
for procs in $CGROUPS; do echo 0 >"$procs"; done
mount -t tmpfs -o "$MOUNT" megactor /mnt
cd /mnt
mkdir w t s b
cp -R "$IN/." w
[ -z "$OWNER" ] || chown -R "$OWNER" w t s
echo 'agent:x:65534:65534::/tmp:/bin/sh' >passwd
number=0
while IFS= read -r source; do
  [ -n "$source" ] || continue
  if [ -d "$source" ]; then mkdir "b/$number"; else : >"b/$number"; fi
  mount --bind "$source" "b/$number"
  number=$((number + 1))
done <<<"$BINDS"
exec 6<&0 7>&2 </dev/null 2>/dev/null
echo ready >&5
set +e
"$@" <&6 2>&7 3<&- 4>&- 5>&- 6<&- 7>&- 8<"$FILTER" &
program=$!
exec 6<&- 7>&-
( read -r _ <&3; kill -KILL -1 ) >/dev/null 4>&- 5>&- &
wait "$program"
code=$?
exec >/dev/null
tries=0
while kill -KILL -1 && [ "$tries" -lt 500 ]; do tries=$((tries + 1)); sleep 0.01; done
echo "exit $code" >&5
$AS chmod -R u+rwX w
$AS tar -c -f - --format=gnu --hard-dereference -C w . >&4
`;

/**
 * The same without any namespace, for those who asked for no sandbox: the files are a directory (IN), and what is ended
 * is the process group.
 */
export const DIRECT = `
${CLOSE_INHERITED}
exec 6<&0 7>&2 </dev/null 2>/dev/null
cd "$IN" || exit 98
echo ready >&5
set -m
( exec "$@" <&6 2>&7 3<&- 4>&- 5>&- 6<&- 7>&- ) &
program=$!
exec 6<&- 7>&-
set +m
( read -r _ <&3; kill -KILL -- "-$program" ) >/dev/null 4>&- 5>&- &
reader=$!
wait "$program"
code=$?
kill -KILL -- "-$program"
kill -KILL "$reader"
exec >/dev/null
echo "exit $code" >&5
chmod -R u+rwX .
tar -c -f - --format=gnu --hard-dereference -C . . >&4
`;
