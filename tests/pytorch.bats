#!/usr/bin/env bats
# shellcheck disable=SC2154
# PyTorch as the independent witness: the module printed in neumf-train(1) gives the scores of neumf-score, and
# torch.optim trains to the weights of neumf-train. Needs Debian's python3-torch.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	/usr/bin/python3 -c 'import torch' 2>/dev/null || skip "no torch for /usr/bin/python3 (Debian: python3-torch)"
	# the program in the man page: from its first line to the next .Ed
	sed -n '/^import json, math, numpy, torch/,/^\.Ed/p' "$ROOT/stages/neumf-train.1" | grep -v '^\.Ed' >neumf.py
	[ -s neumf.py ]
}

# rows KIND SEED: 1,000 rows, 20 different items of 40 for each of 50 users, as text.
rows() {
	/usr/bin/python3 - "$@" <<-'EOF'
		import random, sys
		random.seed(int(sys.argv[2]))
		for user in range(50):
		    for k, item in enumerate(random.sample(range(40), 20)):
		        print(user, item, random.randrange(40) if sys.argv[1] == "triple" else k % 2, sep="\t")
	EOF
}

# groups SEED: 300 groups of 5 negatives, one of 40 items each, for 50 users
groups() {
	/usr/bin/python3 - "$1" <<-'EOF' | cof-cat --from tsv --kind group --users 50 --items 40
		import random, sys
		random.seed(int(sys.argv[1]))
		for row in range(300):
		    print(random.randrange(50), *(random.randrange(40) for _ in range(6)), sep="\t")
	EOF
}

stream() {
	rows "$1" "$2" | cof-cat --from tsv --kind "$1" --users 50 --items 40
}

@test "the module in the man page gives the scores of neumf-score" {
	command -v neumf-score >/dev/null || skip "no neumf-score"
	stream triple 1 >t.cof
	stream sample 2 >s.cof
	stream sample 3 >pairs.cof
	for model in neumf gmf mlp mf; do
		neumf-train -q --device reference --model $model --init-std 0.5 --lr 0.01 --batch-size 50 \
			-o $model-bce s.cof
		neumf-train -q --device reference --model $model --init-std 0.5 --lr 0.01 --batch-size 50 \
			--factors 5 --mlp-factors 3 --hidden 7,4 --loss hinge --sigmoid-output -o $model-sigmoid t.cof
	done
	neumf-train -q --device reference --model mf --bias --init-std 0.5 --lr 0.01 --batch-size 50 -o bias-bce s.cof
	neumf-train -q --device reference --model mf --bias --init-std 0.5 --lr 0.01 --batch-size 50 \
		--loss hinge --sigmoid-output -o bias-sigmoid t.cof
	groups 6 >g.cof
	neumf-train -q --device reference --model mf --loss ccl --margin 0.1 --init-std 0.5 --lr 0.01 --batch-size 50 -o ccl-bce g.cof
	for file in *-bce *-sigmoid; do
		neumf-score -q --device reference --model "$file" pairs.cof | cof-cat >"$file.tsv"
	done
	/usr/bin/python3 - ./*-bce ./*-sigmoid <<-'EOF'
		import sys, numpy, torch
		from neumf import NeuMF
		assert len(sys.argv) == 12
		for path in sys.argv[1:]:
		    user, item, label, score = numpy.loadtxt(path + ".tsv", unpack=True)
		    ours = NeuMF(path)(torch.tensor(user).long(), torch.tensor(item).long()).detach().numpy()
		    assert len(score) == 1000 and score.std() > 1e-3, (path, score.std())
		    assert abs(ours - score).max() <= 1e-5, (path, abs(ours - score).max())
	EOF
}

# One pass in batches of 64 (the last has 40 rows) from the same first weights: those that an lr too small to matter
# leaves. PyTorch computes in double, so that only our rounding to float32 shows.
@test "torch.optim trains to the same weights" {
	stream triple 4 >bpr.cof
	cp bpr.cof hinge.cof
	stream sample 5 >bce.cof
	for loss in bpr hinge bce; do
		cof-cat $loss.cof >$loss.tsv
		for optimizer in adam sgd; do
			for lr in 1e-30 0.01; do
				common=(-q --device reference --loss "$loss" --optimizer "$optimizer" --lr "$lr"
					--weight-decay 0.001 --init-std 0.3 --batch-size 64 --factors 4)
				neumf-train "${common[@]}" --hidden 8,4 -o $loss-$optimizer-$lr $loss.cof
				neumf-train "${common[@]}" --model mf --bias -o bias-$loss-$optimizer-$lr $loss.cof
			done
		done
	done
	/usr/bin/python3 - <<-'EOF'
		import numpy, torch
		from neumf import NeuMF
		from torch.nn.functional import softplus
		mean_loss = {"bpr": lambda m, label: softplus(-m).mean(),
		             "hinge": lambda m, label: torch.relu(1 - m).mean(),
		             "bce": lambda m, label: (softplus(m) - label * m).mean()}
		for loss, model in ((loss, model) for loss in mean_loss for model in ("", "bias-")):
		    for optimizer, kind in ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD):
		        name = f"{model}{loss}-{optimizer}"
		        net, first, ours = NeuMF(name + "-1e-30").double(), NeuMF(name + "-1e-30"), NeuMF(name + "-0.01")
		        for w in net.parameters():  # biases start at 0; Adam makes steps out of the decay of 1e-30
		            w.data[abs(w) < 1e-20] = 0
		        opt = kind(net.parameters(), lr=0.01, weight_decay=0.001)
		        for row in torch.tensor(numpy.loadtxt(loss + ".tsv")).split(64):
		            user, item, last = row.T
		            m = net(user.long(), item.long())
		            if loss != "bce":
		                m = m - net(user.long(), last.long())
		            opt.zero_grad()
		            mean_loss[loss](m, last).backward()
		            opt.step()
		        for tensor, w in net.state_dict().items():
		            moved = abs(w - first.state_dict()[tensor]).max().item()
		            worst = abs(w - ours.state_dict()[tensor]).max().item()
		            cancels = loss != "bce" and tensor in ("user_bias", "global_bias")
		            assert (moved == 0 if cancels else moved > 5e-5), (name, tensor, moved)
		            assert worst < 2e-6, (name, tensor, worst)
	EOF
}

# The loss as in the program of Mao et al. (reczoo, SimpleX), with its cosine by torch.
@test "torch trains an mf by ccl to the same weights" {
	groups 8 >g.cof
	cof-cat g.cof >g.tsv
	for optimizer in adam sgd; do
		for lr in 1e-30 0.01; do
			neumf-train -q --device reference --model mf --loss ccl --margin 0.1 --negative-weight 3 --optimizer $optimizer \
				--lr $lr --weight-decay 0.001 --init-std 0.3 --batch-size 32 --factors 4 -o $optimizer-$lr g.cof
		done
	done
	/usr/bin/python3 - <<-'EOF'
		import numpy, torch
		from neumf import NeuMF
		from torch.nn.functional import cosine_similarity
		for name, kind in ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD):
		    net, first, ours = NeuMF(name + "-1e-30").double(), NeuMF(name + "-1e-30"), NeuMF(name + "-0.01")
		    opt = kind(net.parameters(), lr=0.01, weight_decay=0.001)
		    for row in torch.tensor(numpy.loadtxt("g.tsv")).long().split(32):
		        y = cosine_similarity(net.gmf_user(row[:, :1]), net.gmf_item(row[:, 1:]), 2)
		        loss = torch.relu(1 - y[:, 0]) + 3 * torch.relu(y[:, 1:] - 0.1).mean(1)
		        opt.zero_grad()
		        loss.mean().backward()
		        opt.step()
		    for tensor, w in net.state_dict().items():
		        moved = abs(w - first.state_dict()[tensor]).max().item()
		        worst = abs(w - ours.state_dict()[tensor]).max().item()
		        assert moved > 1e-3 and worst < 2e-6, (name, tensor, moved, worst)
	EOF
}

# torch.optim.SparseAdam adds its eps to sqrt(v) before the bias correction, we add ours after it, as torch.optim.Adam
# does. With eps sqrt(1 - b2^t) at step t SparseAdam is our formula: to rounding. With a constant eps it is not: the
# smaller the gradients, the more. t counts all steps in both; the layers are torch.optim.Adam's.
@test "lazy-adam is torch.optim.SparseAdam with eps behind the bias correction" {
	stream triple 6 >bpr.cof
	cp bpr.cof hinge.cof
	stream sample 7 >bce.cof
	for loss in bpr hinge bce; do
		cof-cat $loss.cof >$loss.tsv
		for lr in 1e-30 0.01; do
			neumf-train -q --device reference --loss $loss --optimizer lazy-adam --lr $lr --init-std 0.3 \
				--batch-size 8 --factors 4 --hidden 8,4 -o $loss-$lr $loss.cof
		done
	done
	/usr/bin/python3 - <<-'EOF'
		import numpy, torch
		from neumf import NeuMF
		from torch.nn.functional import softplus
		mean_loss = {"bpr": lambda m, label: softplus(-m).mean(),
		             "hinge": lambda m, label: torch.relu(1 - m).mean(),
		             "bce": lambda m, label: (softplus(m) - label * m).mean()}
		def train(loss, eps_at):
		    net = NeuMF(loss + "-1e-30").double()
		    tables = [m for m in net.modules() if isinstance(m, torch.nn.Embedding)]
		    assert len(tables) == 4
		    for table in tables:
		        table.sparse = True
		    rows = [table.weight for table in tables]
		    layers = [p for p in net.parameters() if all(p is not w for w in rows)]
		    sparse, dense = torch.optim.SparseAdam(rows, lr=0.01), torch.optim.Adam(layers, lr=0.01)
		    for t, row in enumerate(torch.tensor(numpy.loadtxt(loss + ".tsv")).split(8), 1):
		        user, item, last = row.T
		        m = net(user.long(), item.long())
		        if loss != "bce":
		            m = m - net(user.long(), last.long())
		        net.zero_grad()
		        mean_loss[loss](m, last).backward()
		        sparse.param_groups[0]["eps"] = eps_at(t)
		        sparse.step()
		        dense.step()
		    return net.state_dict()
		for loss in mean_loss:
		    first, ours = NeuMF(loss + "-1e-30").state_dict(), NeuMF(loss + "-0.01").state_dict()
		    theirs = train(loss, lambda t: 1e-8 * (1 - 0.999 ** t) ** 0.5)
		    constant = train(loss, lambda t: 1e-8)
		    apart = max(abs(constant[k] - theirs[k]).max().item() for k in theirs)
		    assert apart > 1e-4, (loss, apart)
		    for tensor, w in theirs.items():
		        moved = abs(w - first[tensor]).max().item()
		        worst = abs(w - ours[tensor]).max().item()
		        assert moved > 1e-2 and worst < 2e-6, (loss, tensor, moved, worst)
	EOF
}
