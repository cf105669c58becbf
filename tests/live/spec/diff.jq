# Two answers of `docker inspect`, old and created → [{field, old, new}], without a line of
# omslaunch's own code or JSON.
def nothing: . == null or . == false or . == 0 or . == "" or . == [] or . == {};
def blank: if nothing then null else . end;
def env: reduce (.[]? | capture("^(?<k>[^=]*)(?<e>=?)(?<v>.*)$"; "s")) as $e ({};
    .[$e.k] = if $e.e == "" then null else $e.v end);
def options: [(.Mode | split(",")[]), (.Propagation // "")] |
    map(select(. != "" and . != "rw" and . != "ro" and . != "rprivate")) | unique;
# Nobody can know its name beforehand.
def anonymous: .Type == "volume" and (.Name | test("^[0-9a-f]{64}$"));
def mount: "\(.Type) \(if .Type == "volume" then .Name else (.Source // "") end) "
    + "(\([if .RW then "rw" else "ro" end] + options | join(",")))";
# The fields whose parts have names of their own.
def named: ["Config.Env", "Config.Labels", "Config.ExposedPorts", "Config.Volumes",
    "Config.Healthcheck"];
def flat:
    [ ("Config", "HostConfig") as $s | .[$s] | to_entries[] | {path: "\($s).\(.key)", value} ]
    | map(if .path == "Config.Env" then .value |= env else . end)
    | map(.path as $p | if $p | IN(named[]) then
            (.value // {} | to_entries[] | {path: "\($p).\(.key)", value: (if .value == {} then true else .value end)})
        else .value |= blank end)
    | map(select(.path != "HostConfig.Binds" and .path != "HostConfig.Mounts" and .path != "HostConfig.VolumesFrom"))
    | map({(.path): {v: .value}}) | add;
def mounts: [.Mounts[] | {("Mounts." + .Destination): {v: mount}}] | add // {};
# "No limit" has three spellings.
def limit: if .v != null and (.v | type) == "number" and .v <= 0 then {v: null} else . end;
([.[0].Mounts[] | select(anonymous) | .Name]) as $had
| (.[0] | flat + mounts) as $old
| (.[1] | .Mounts |= map(if anonymous and (.Name | IN($had[]) | not) then .Name = "new" else . end) | flat + mounts) as $new
| [($old + $new | keys[]) as $k
    | ($old[$k] // {v: null}) as $a | ($new[$k] // {v: null}) as $b
    | (if $k == "HostConfig.PidsLimit" then [($a | limit), ($b | limit)] else [$a, $b] end) as [$a, $b]
    | select((($old | has($k)) != ($new | has($k)) and ($k | startswith("HostConfig") | not) and ($a.v != null or $b.v != null)) or $a.v != $b.v)
    | {field: $k, old: $a.v, new: (if $b.v | tostring | startswith("volume new (rw") then "volume, new and empty" else $b.v end)}]
# What an upgrade always does, and docs/policy.md says.
| map(select(.field | IN("Config.Labels.io.omslaunch.run", "HostConfig.RestartPolicy",
    "HostConfig.ContainerIDFile", "HostConfig.ConsoleSize", "HostConfig.MaskedPaths",
    "HostConfig.ReadonlyPaths", "Config.OnBuild") | not))
