#!/usr/bin/env python3
"""Rebuild a Terraform provider schema from an @cdktf/provider-* npm package.

usage: cdktf_schema.py PKGDIR OUT.bin [OUT.json]
OUT.bin  = serialized tfplugin5 GetProviderSchema.Response (what a provider answers)
OUT.json = same thing in a readable shape
The npm package is generated from `terraform providers schema -json`, so attribute names, types,
required/optional, block-vs-attribute, list/set/map nesting and max_items=1 are all recoverable.
Not recoverable: enum/range validators, ConflictsWith, ephemeral resources, provider functions.
"""

import json
import os
import re
import sys

PKG, OUT = sys.argv[1], sys.argv[2]

RE_ENTRY = re.compile(
    r'^ {8,16}(?:"?)(\w+)(?:"?): \{\n\s+value: (.*?),\n\s+isBlock: (true|false),\n\s+type: "(\w+)",\n\s+storageClassType: "(\w+)",\n',
    re.M,
)
RE_FN = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.M | re.S)
RE_CLASS = re.compile(r"^class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", re.M | re.S)
RE_SYN = re.compile(r"^    synthesizeHclAttributes\(\) \{\n(.*?)^    \}", re.M | re.S)
RE_GET = re.compile(r"^    get (\w+)\(\) \{\n(?:\s+//[^\n]*\n)*\s+return ([^\n]*);\n", re.M)
RE_SETTER = re.compile(r"^    (?:set (\w+)\(value\)|put(\w+)\(value\))", re.M)
RE_INIT = re.compile(r'^\s+this\._(\w+) = new ([\w.]+)\(this, ["\'](\w+)["\'](?:, (true|false))?\)', re.M)
RE_IFACE = re.compile(r"^export interface (\w+)[^{]*\{\n(.*?)^\}", re.M | re.S)
RE_PROP = re.compile(r"^    readonly (\w+)(\??): ", re.M)
RE_ELEM = re.compile(r"return new (\w+)\(this\.terraformResource")


def prim(sct, outer):
    m = re.match(r"(string|number|boolean|any)((?:List|Map)*)$", sct)
    if not m:
        return "dynamic"
    t = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}[m[1]]
    parts = re.findall("List|Map", m[2])
    for i, p in enumerate(parts):
        last = i == len(parts) - 1
        t = ["map", t] if p == "Map" else ["set" if (last and outer == "set") else "list", t]
    if not parts and outer in ("list", "set", "map"):
        t = [outer, t]
    return t


GETTERS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "getBooleanMapAttribute": ["map", "bool"],
    "getNumberMapAttribute": ["map", "number"],
    "getAnyMapAttribute": ["map", "dynamic"],
    "interpolationForAttribute": "dynamic",
}


class Mod:
    def __init__(self, d):
        js, dts = "", ""
        for root, _, fs in os.walk(d):
            for f in sorted(fs):
                p = os.path.join(root, f)
                if f.endswith(".js"):
                    js += open(p).read() + "\n"
                elif f.endswith(".d.ts"):
                    dts += open(p).read() + "\n"
        js = re.sub(r"(?<![\w.])structs\d*\.|index_structs_\d+\.", "", js)
        self.stack = []
        self.js = js = js.replace("cdktn.", "cdktf.")
        self.fns = {m[1]: m[2] for m in RE_FN.finditer(js)}
        self.classes = {m[1]: (m[2], m[3]) for m in RE_CLASS.finditer(js)}
        self.ifaces = {m[1]: {p[1]: p[2] == "?" for p in RE_PROP.finditer(m[2])} for m in RE_IFACE.finditer(dts)}

    def getters(self, body):
        """snake name -> (type or ('cls',Class,isset)), only those that have no setter"""
        setters = set()
        for m in RE_SETTER.finditer(body):
            setters.add(m[1] or (m[2][0].lower() + m[2][1:]))
        inits = {m[1]: (m[2], m[3], m[4] == "true") for m in RE_INIT.finditer(body)}
        allg, comp = {}, {}
        for m in RE_GET.finditer(body):
            n, ex = m[1], m[2]
            if n.endswith("Input") or n in ("internalValue",):
                continue
            g = re.search(r"this\.(\w+Attribute)\(['\"](\w+)['\"]\)", ex)
            if g and g[1] in GETTERS:
                t = GETTERS[g[1]]
                if "Fn.tolist(" in ex:
                    t = ["set", t[1]]
                r = (g[2], t)
            else:
                g = re.match(r"this\._(\w+)$", ex)
                if not g or g[1] not in inits:
                    continue
                cls, snake, isset = inits[g[1]]
                r = (snake, ("cls", cls, isset))
            allg[r[0]] = r[1]
            if n not in setters:
                comp[r[0]] = r[1]
        return allg, comp

    def cls_type(self, cls, isset, depth=0):
        if depth > 8:
            return "dynamic"
        cls = cls.split(".")[-1]
        if cls in ("StringMap", "StringMapList"):
            return ["map", "string"] if cls == "StringMap" else ["list", ["map", "string"]]
        if cls == "BooleanMap":
            return ["map", "bool"]
        if cls == "NumberMap":
            return ["map", "number"]
        if cls not in self.classes:
            return "dynamic"
        base, body = self.classes[cls]
        if base in ("ComplexList", "MapList", "ComplexMap", "ComplexObject") and base != "ComplexObject":
            m = RE_ELEM.search(body)
            el = self.cls_type(m[1], False, depth + 1) if m else "dynamic"
            return ["map", el] if base == "ComplexMap" else ["set" if isset else "list", el]
        return self.obj_type(body, depth)

    def obj_type(self, body, depth):
        allg, _ = self.getters(body)
        o = {}
        for k, t in allg.items():
            o[k] = self.cls_type(t[1], t[2], depth + 1) if isinstance(t, tuple) else t
        return ["object", o]

    def block(self, entries_src, iface, selfcls, top):
        attrs, blocks = {}, {}
        opt = self.ifaces.get(iface, {})
        for m in RE_ENTRY.finditer(entries_src):
            name, val, isb, typ, sct = m[1], m[2], m[3] == "true", m[4], m[5]
            cm = re.search(r"(?:this\._|struct(?:!|)\.)(\w+)", val)
            camel = cm[1] if cm else name
            optional = opt.get(camel, True)
            fn = re.search(r"(\w+)ToHclTerraform", val.replace("cdktf.", "cdktf_"))
            nested = fn and fn[1] in self.fns
            if not nested:
                a = {"type": prim(sct, typ)}
                a["optional" if optional else "required"] = True
                if optional and top:
                    a["computed"] = True
                attrs[name] = a
                continue
            f = fn[1]
            ncls = f[0].upper() + f[1:]
            if self.stack.count(f) >= 2:
                continue  # recursive type (WAF statements): the real schema stops too
            self.stack.append(f)
            is_list = "MapperHcl(" in val
            as_attr = is_list and re.search(r"MapperHcl\(\w+, false\)", val)
            if as_attr or (is_list and "hashMapperHcl" in val):
                # attribute holding list/set/map of objects (SchemaConfigModeAttr or framework nested attr)
                sub = self.block(self.fns[f], ncls, ncls + "OutputReference", False)
                o = self.as_object(sub)
                a = {"type": [typ if typ in ("list", "set", "map") else "list", o]}
                a["optional" if optional else "required"] = True
                if optional:
                    a["computed"] = True
                attrs[name] = a
                self.stack.pop()
            else:
                sub = self.block(self.fns[f], ncls, ncls + "OutputReference", False)
                nest = {"struct": "single", "list": "list", "set": "set", "map": "map"}.get(typ, "list")
                b = {"nesting": nest, "block": sub}
                if not is_list and nest in ("list", "set"):
                    b["max"] = 1
                if not optional and nest in ("list", "set"):
                    b["min"] = 1
                blocks[name] = b
                self.stack.pop()
        if selfcls in self.classes:
            _, comp = self.getters(self.classes[selfcls][1])
            for k, t in comp.items():
                if k in attrs or k in blocks:
                    continue
                if k in ("fqn", "node"):
                    continue
                attrs[k] = {"type": self.cls_type(t[1], t[2]) if isinstance(t, tuple) else t, "computed": True}
        return {"attributes": attrs, "blocks": blocks}

    def as_object(self, b):
        o = {k: v["type"] for k, v in b["attributes"].items()}
        for k, v in b["blocks"].items():
            sub = self.as_object(v["block"])
            o[k] = sub if v["nesting"] == "single" else [v["nesting"], sub]
        return ["object", o]


res, dat, prov, ver = {}, {}, None, ""
lib = os.path.join(PKG, "lib")
for d in sorted(os.listdir(lib)):
    p = os.path.join(lib, d)
    if not os.path.isdir(p):
        continue
    m = Mod(p)
    for cls, (base, body) in m.classes.items():
        if base not in ("TerraformResource", "TerraformDataSource", "TerraformProvider"):
            continue
        syn = RE_SYN.search(body)
        blk = m.block(syn[1] if syn else "", cls + "Config", cls, True)
        tf = re.search(r'^%s\.tfResourceType = ["\'](\w+)["\']' % cls, m.js, re.M)
        v = re.search(r"providerVersion: '([^']+)'", body)
        if v:
            ver = v[1]
        if base == "TerraformResource":
            res[tf[1]] = blk
        elif base == "TerraformDataSource":
            dat[tf[1]] = blk
        else:
            blk["attributes"].pop("alias", None)
            blk["attributes"] = {k: v for k, v in blk["attributes"].items() if v.get("optional") or v.get("required")}
            for a in blk["attributes"].values():
                a.pop("computed", None)
            prov = blk


# aws_wafv2_*: the bindings give rule.statement as `any` (it is recursive); this is the common part, written by hand.
def A(t, req=False):
    return {"type": t, ("required" if req else "optional"): True}


def B(attrs=None, blocks=None):
    return {"attributes": attrs or {}, "blocks": blocks or {}}


def LB(b, mx=1):
    return {"nesting": "list", "block": b, **({"max": mx} if mx else {})}


def waf_stmt():
    act = LB(B(blocks={k: LB(B()) for k in ("allow", "block", "captcha", "challenge", "count")}))
    return B(
        blocks={
            "managed_rule_group_statement": LB(
                B(
                    {"name": A("string", 1), "vendor_name": A("string", 1), "version": A("string")},
                    {"rule_action_override": LB(B({"name": A("string", 1)}, {"action_to_use": act}), 0)},
                )
            ),
            "rate_based_statement": LB(
                B(
                    {"limit": A("number", 1), "aggregate_key_type": A("string"), "evaluation_window_sec": A("number")},
                    {
                        "forwarded_ip_config": LB(
                            B({"fallback_behavior": A("string", 1), "header_name": A("string", 1)})
                        )
                    },
                )
            ),
            "ip_set_reference_statement": LB(B({"arn": A("string", 1)})),
            "geo_match_statement": LB(B({"country_codes": A(["list", "string"], 1)})),
            "rule_group_reference_statement": LB(B({"arn": A("string", 1)})),
        }
    )


for n in ("aws_wafv2_web_acl", "aws_wafv2_rule_group"):
    r = res.get(n, {}).get("blocks", {}).get("rule")
    if r and r["block"]["attributes"].get("statement", {}).get("type") == "dynamic":
        del r["block"]["attributes"]["statement"]
        r["block"]["blocks"]["statement"] = LB(waf_stmt())


# Terraform refuses sets that hold values of unknown type: make those lists.
def has_dyn(t):
    return t == "dynamic" or (
        isinstance(t, list) and (any(has_dyn(x) for x in t[1].values()) if t[0] == "object" else has_dyn(t[1]))
    )


def unset(t):
    if not isinstance(t, list):
        return t
    if t[0] == "object":
        return ["object", {k: unset(v) for k, v in t[1].items()}]
    return ["list" if t[0] in ("set", "list") else t[0], unset(t[1])]


def fix(b):
    dyn = False
    for a in b["attributes"].values():
        if has_dyn(a["type"]):
            a["type"] = "dynamic" if isinstance(a["type"], list) else a["type"]
            dyn = True
    for nb in b["blocks"].values():
        if fix(nb["block"]):
            dyn = True
            if nb["nesting"] == "set":
                nb["nesting"] = "list"
    return dyn


for b in list(res.values()) + list(dat.values()) + ([prov] if prov else []):
    fix(b)


# ---- protobuf (tfplugin5) ----
def vi(n):
    o = b""
    while True:
        b7 = n & 127
        n >>= 7
        if n:
            o += bytes([b7 | 128])
        else:
            return o + bytes([b7])


def ld(f, b):
    return vi(f << 3 | 2) + vi(len(b)) + b


def iv(f, n):
    return vi(f << 3) + vi(n)


def e_attr(n, a):
    b = ld(1, n.encode()) + ld(2, json.dumps(a["type"], separators=(",", ":")).encode())
    if a.get("required"):
        b += iv(4, 1)
    if a.get("optional"):
        b += iv(5, 1)
    if a.get("computed"):
        b += iv(6, 1)
    return b


NEST = {"single": 1, "list": 2, "set": 3, "map": 4}


def e_block(b):
    o = b""
    for n, a in sorted(b["attributes"].items()):
        o += ld(2, e_attr(n, a))
    for n, nb in sorted(b["blocks"].items()):
        x = ld(1, n.encode()) + ld(2, e_block(nb["block"])) + iv(3, NEST[nb["nesting"]])
        if nb.get("min"):
            x += iv(4, nb["min"])
        if nb.get("max"):
            x += iv(5, nb["max"])
        o += ld(3, x)
    return o


def e_schema(b):
    return ld(2, e_block(b))


out = ld(1, e_schema(prov or {"attributes": {}, "blocks": {}}))
for f, m in ((2, res), (3, dat)):
    for n, b in sorted(m.items()):
        out += ld(f, ld(1, n.encode()) + ld(2, e_schema(b)))
open(OUT, "wb").write(out)
if len(sys.argv) > 3:
    json.dump({"version": ver, "provider": prov, "resources": res, "data": dat}, open(sys.argv[3], "w"))
print(
    f"{os.path.basename(PKG)} provider version {ver}: {len(res)} resources, {len(dat)} data sources, {len(out)} bytes"
)
