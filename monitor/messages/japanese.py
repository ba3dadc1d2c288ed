"""Messages in Japanese."""

from __future__ import annotations

from monitor.alerting.guard import Decision
from monitor.messages.words import BuiltinWords, Units, Words
from monitor.model.alert import Resolution, Transition
from monitor.model.builtin import Builtin
from monitor.model.stop import StopResult

__all__ = ["JAPANESE"]

JAPANESE = Words(
    language="ja",
    units=Units(day="日", hour="時間", minute="分", second="秒", between=""),
    ago="{duration}前",
    just_now="たった今",
    states={
        Transition.FIRING: "発生",
        Transition.ACKNOWLEDGED: "確認済み",
        Transition.RESOLVED: "解消",
    },
    still_firing="継続中",
    counted="{state} {count}件",
    more="ほか{count}件",
    since="発生時刻",
    running="実行時間",
    ran="実行時間",
    count="件数",
    rating="評価",
    stop="自動停止",
    to_do="対応",
    progress="最後の進捗",
    last_step="最後のステップ",
    not_observed="監視の空白",
    acknowledged_by="確認者",
    lasted="継続時間",
    ended="解消の理由",
    details="詳細",
    conversation="会話",
    labels="ラベル",
    since_then="{time}({ago})",
    between="{duration}({begin} ~ {end})",
    at_least="{duration}以上",
    limited="{value}(上限 {limit})",
    counted_within="{within}以内に{count}件",
    rated="{rating}({by})",
    step="{step}({ago})",
    blind_before="発生直前の{duration}は監視できていません",
    ratings={"positive": "高評価", "negative": "低評価", "none": "なし(取り消し)"},
    raters={"user": "ユーザー", "agent": "オペレーター"},
    resolutions={
        Resolution.RECOVERED: "条件を満たさなくなったため",
        Resolution.ENDED: "実行が終了したため",
        Resolution.GONE: "会話が削除されたため",
        Resolution.WITHDRAWN: "評価が取り消されたか、変更されたため",
        Resolution.EXPIRED: "変化のないまま有効期間が過ぎたため(resolve_after)",
        Resolution.RULE_REMOVED: "ルールが削除されたため。問題そのものは続いている可能性があります",
        Resolution.PROJECT_REMOVED: "プロジェクトが設定から削除されたため。問題そのものは続いている可能性があります",
    },
    stops={
        StopResult.STOPPED: "モニターが実行を停止し、終了を確認しました",
        StopResult.SHADOW: (
            "監視のみのモード(auto_stop.mode: shadow)のため停止していません。実際に停止するには "
            "auto_stop.mode を enforce にし、アプリを auto_stop.apps に追加してください"
        ),
        StopResult.ALREADY_FINISHED: "停止を要求する前に、実行は自然に終了しました",
        StopResult.CHANGED: "当初と同じ実行ではないため停止していません",
        StopResult.INEFFECTIVE: "効果なし: 停止を要求しましたが、実行は続いています。手動での対応が必要です",
        StopResult.REFUSED: "停止していません",
        StopResult.ERROR: "失敗: Alli が停止を拒否しました。手動での対応が必要です",
    },
    because="{what} - {why}",
    why_refused={
        Decision.OFF: "自動停止が無効です(auto_stop.mode: off)",
        Decision.APP_NOT_ALLOWED: "アプリが auto_stop.apps にありません",
        Decision.PAUSED: "自動停止は一時停止中です。「alli-monitor autostop resume」で再開できます",
        Decision.PROTECTED: "運用者が保護した会話です",
        Decision.CONTRADICTED: "この実行について Alli の応答が矛盾しています",
        Decision.COOLDOWN: "同じ会話の別の実行を停止した直後です(auto_stop.cooldown)",
        Decision.BUDGET_SPENT: "この1時間の停止枠を使い切りました(auto_stop.budget)",
    },
    builtins={
        Builtin.MONITOR_API_AUTH: BuiltinWords(
            summary="Alli がモニターの認証情報を拒否しています。このプロジェクトは監視できていません。",
            to_do="Alli (Settings > General) で API キーを再発行し、設定で指定した場所に置いてください。",
        ),
        Builtin.MONITOR_BLIND: BuiltinWords(
            summary="このプロジェクトの実行一覧を完全に取得できていません。",
            to_do=(
                "このサーバーから Alli に接続できるか、モニターのログにエラーがないか確認してください。"
                "その間、長時間の実行は検知も停止もされません。"
            ),
        ),
        Builtin.MONITOR_DEGRADED: BuiltinWords(
            summary="Alli の応答が矛盾しているか、モニターに必要な情報が欠けています。",
            to_do="「alli-monitor check --online」を実行してください。疑わしいものは自動では停止しません。",
        ),
        Builtin.RECEIVER_FAILING: BuiltinWords(
            summary="通知を受け取れていない送信先があります。",
            to_do=(
                "送信先のアドレス、認証情報、チャンネルを修正してください。"
                "待機中の通知は保持され、後で届きます。完全に拒否された通知は別に保管されています。"
            ),
        ),
        Builtin.RULE_FAILING: BuiltinWords(
            summary="ルールの評価中にエラーが発生しました。ルールは有効なままです。",
            to_do="ルールを修正して再読み込みしてください。それまで通知すべきものを見逃す可能性があります。",
        ),
        Builtin.GHOST_RUN: BuiltinWords(
            summary="一覧では実行中ですが、Alli の他の応答と一致しません。自動では停止しません。",
            to_do="会話を確認してください。何も実行されていなければ Allganize に問い合わせてください。",
        ),
        Builtin.ZOMBIE_CHAT: BuiltinWords(
            summary="実行は終わりましたが、作成中だった回答が完了していません。",
            to_do="会話を確認してください。回答を待っている人がいるかもしれません。",
        ),
        Builtin.STOP_INEFFECTIVE: BuiltinWords(
            summary="モニターが停止を要求しましたが、実行が続いています。",
            to_do=(
                "今すぐ Alli で実行を停止してください。"
                "それでも続く場合はクレジットを消費するため、Allganize に問い合わせてください。"
            ),
        ),
        Builtin.STOP_BUDGET_SPENT: BuiltinWords(
            summary="この1時間の自動停止枠を使い切り、上限を超えた実行が続いています。",
            to_do=(
                "上限を超える実行が多い原因を調べてください。個別の実行は "
                "「alli-monitor stop CONVERSATION」で停止するか、auto_stop.budget を増やしてください。"
            ),
        ),
        Builtin.STORAGE_FAILING: BuiltinWords(
            summary="モニターが状態を保存できません。",
            to_do=("ディスクとデータベースファイルを点検してください。それまで新たな監視、通知、停止は行われません。"),
        ),
        Builtin.WATCHDOG: BuiltinWords(
            summary="常に発生している通知です。届かなくなったら、モニターか配信経路に問題があります。",
            to_do="届いている間は対応不要です。",
        ),
        Builtin.BASELINE_RECORDED: BuiltinWords(
            summary="このプロジェクトを初めて確認しました。それ以前の評価は通知しません。",
            to_do="対応不要です。今後の変化はすべて通知します。",
        ),
        Builtin.RATINGS_CAUGHT_UP: BuiltinWords(
            summary="監視の空白の後、その間に付いた評価がまとめて見つかりました。個別には通知しません。",
            to_do="コンソールで評価を確認してください。今後の変化は個別に通知します。",
        ),
        Builtin.DRILL: BuiltinWords(
            summary="訓練の通知です。実際の問題はありません。通知が届くことを確認しています。",
            to_do="対応不要です。自動的に解消します。",
        ),
    },
    open_conversation="会話を開く",
    open_console="コンソール",
    open_runbook="手順書",
)
